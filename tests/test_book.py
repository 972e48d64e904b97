"""Is the published book what a reader should get? Looked at in the rendered files themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from conftest import call_in
from pypdf import PageObject, PdfReader
from pypdf.generic import DecodedStreamObject, NameObject

from analysis.sample import HOSTILE
from analysis.settings import ROOT

pytestmark = pytest.mark.slow
LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
}


class Page(HTMLParser):
    """The parts of an HTML page that the checks look at."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._silent = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def copy_project(target: Path) -> Path:
    """Copy what git knows of the project, as a clone would have it."""
    files = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in files:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module", params=["without Quarto", "with Quarto"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sample_build: Path
) -> Path:
    """Render the sample in a copy of the project, and return what was published.

    The second finds the pictures that the first has drawn, as one format finds those of the other.
    """
    quarto = shutil.which("quarto")
    if request.param == "with Quarto" and not quarto:
        pytest.skip("quarto is not on the PATH")
    project = copy_project(tmp_path_factory.mktemp("project"))
    shutil.rmtree(project / "analysis")  # the build is up to date with just the code that made it
    shutil.copytree(sample_build.parent, project, dirs_exist_ok=True)
    drawn, figures = tmp_path_factory.getbasetemp() / "figures", project / "build" / "figures"
    if drawn.is_dir():
        shutil.copytree(drawn, figures)
    if request.param == "with Quarto":
        said = call_in(project, str(quarto), "render")
    else:
        without = "from report import __main__ as m; m.find_quarto = lambda: None; exit(m.main())"
        said = call_in(project, sys.executable, "-c", without)
    assert f"build/ is up to date with {project / 'data' / 'sample'}." in said
    shutil.copytree(figures, drawn, dirs_exist_ok=True)
    return project / "_site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    loads = [
        (path.name, tag, attributes[name])
        for path, page in pages.items()
        for tag, attributes in page.tags
        for name in ("src", "href")
        if (tag, name) in LOADING and re.match(r"(https?:)?//", attributes.get(name, ""))
    ]
    assert loads == []
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", style.read_text("utf-8"))


def test_every_image_says_what_it_shows(pages: dict[Path, Page]) -> None:
    images = [a for page in pages.values() for tag, a in page.tags if tag == "img"]
    assert len(images) >= 13
    assert [a.get("src", "")[:80] for a in images if len(a.get("alt", "")) < 40] == []


def test_no_link_is_broken(pages: dict[Path, Page]) -> None:
    anchors = {
        path: {a[name] for _, a in page.tags for name in ("id", "name") if name in a}
        for path, page in pages.items()
    }
    broken = []
    for path, page in pages.items():
        for tag, attributes in page.tags:
            link = urlsplit(attributes.get("href", ""))
            if tag != "a" or link.scheme or link.netloc or not attributes.get("href"):
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (
                link.fragment
                and target in anchors
                and unquote(link.fragment) not in anchors[target]
            ):
                broken.append((path.name, attributes["href"]))
    assert broken == []


def test_markup_in_the_data_is_shown_as_text(site: Path, pages: dict[Path, Page]) -> None:
    """The sample has a product that is a script; it is among those that a page or a CSV names."""
    assert not [
        1 for path in pages for text in [path.read_text("utf-8")] if '<script>alert("x")' in text
    ]
    shown = " ".join(page.words for page in pages.values())
    assert "unresolved" not in shown
    assert "?@" not in shown
    assert "{python}" not in shown


def test_the_first_page_says_that_it_stands_on_the_sample(pages: dict[Path, Page]) -> None:
    first = next(page for path, page in pages.items() if path.name == "index.html")
    assert "This report stands on sample data" in first.words


def test_figures_and_tables_are_numbered_and_found(pages: dict[Path, Page]) -> None:
    words = " ".join(page.words for page in pages.values()).replace("\xa0", " ")
    for label in ("Figure 1.1", "Table 1.1", "Figure 2.1", "Figure 2.9", "Table A.1"):
        assert label in words, label
    assert "not available" not in words
    assert re.findall(r".{20}\bnan\b.{20}", words) == []


def test_the_data_behind_each_picture_can_be_had(pages: dict[Path, Page]) -> None:
    downloads = [
        a
        for page in pages.values()
        for tag, a in page.tags
        if tag == "a" and "download" in a.get("class", "").split()
    ]
    assert len(downloads) >= 20


def text_of(page: PageObject) -> str:
    """Return the text of a page; lines and curves, which take long to read, are left out."""
    kept, contents = DecodedStreamObject(), page.get_contents()
    assert contents is not None
    kept.set_data(re.sub(rb"(?:-?[0-9.]+\s){2,6}(?:[mlcvy]|re)(?=\s)", b"", contents.get_data()))
    page[NameObject("/Contents")] = kept
    return page.extract_text()


def test_the_pdf_holds_the_whole_book(site: Path) -> None:
    reader = PdfReader(site / "customer-report.pdf")
    text = " ".join(" ".join(map(text_of, reader.pages)).split())
    for words in (
        "Summary", "Data checks", "Exploration", "RFM and clustering", "Segment profiles",
        "Activity model", "Strategy", "Method and assumptions", "Glossary",
        "This report stands on sample data", "стандартт", "Lorenz",
    ):  # fmt: skip
        assert words in text, words
    assert "[The data behind" not in text


def test_no_file_of_the_site_names_a_customer(site: Path) -> None:
    """Ids of the sample's regular customers are long enough to be nothing else."""
    ids = re.compile(rb"(?<![0-9.])31[01][0-9]{3}(?![0-9.])")
    named = [
        (path.name, ids.findall(path.read_bytes())[:3])
        for path in site.rglob("*")
        if path.suffix in (".csv", ".json") and ids.search(path.read_bytes())
    ]
    assert named == []


def test_the_hostile_product_reaches_a_page(tmp_path: Path) -> None:
    """In a table, a caption, an alternative text and a CSV, its markup stays text."""
    from report import page

    assert page.md(HOSTILE).count("\\") >= 10
    assert "<script>" not in page.md(HOSTILE)


def test_a_refused_folder_leaves_the_published_book(site: Path) -> None:
    project = site.parent
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    bad = project / "bad" / "transactions"
    bad.mkdir(parents=True)
    (bad / "sales.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "report"],
        cwd=project,
        env=os.environ | {"REPORT_DATA": str(bad.parent), "PYTHONPATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "there is no column for customer id" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
