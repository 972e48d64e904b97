"""Test the book rendered without Quarto: its text, pictures, links and PDF."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from pypdf import PdfReader

#: Each book that is rendered starts a kernel.
pytestmark = pytest.mark.drill

HOSTILE = "<script>alert(1)</script> #panic() $x$ *a* @foo [l](u) `c` \\ <b>"

BOOK = """
metadata-files: [build/book.yml, build/absent.yml]
book:
  title: "Customers & more"
  author: The analysts
  chapters: [index.qmd, report/checks.qmd]
  appendices: [report/method.qmd, report/glossary.qmd]
  output-file: customers
  page-footer: "Made by *us*"
bibliography: report/references.bib
"""

INDEX = """# Summary {.unnumbered}

See [the cleaning steps](report/checks.qmd#sec-cleaning), [checks](report/checks.qmd), @fig-line,
@sec-why.

::: {.callout-note title="How to read this" collapse="true"}
As @chen2012 say.
:::
"""

CHECKS = f"""# Data checks {{#sec-checks}}

## The cleaning steps for `{{python}} 'A' + '*B*'` {{#sec-cleaning}}

```{{python}}
#| include: false
from pathlib import Path
import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
import pandas as pd
from great_tables import GT
from IPython.display import Markdown
hostile = {HOSTILE!r}
Path("build").mkdir(exist_ok=True)
figure, axes = plt.subplots()
axes.plot([1, 3, 2])
figure.savefig("build/fig-line.svg")
Path("build/fig-line.csv").write_bytes("a,b\\n1,£\\n".encode())
x = 1
print("never shown")
```

Value: `{{python}} hostile`. Before `{{python}} x`.

```{{python}}
#| output: asis
x = 2
print('![It rises](../build/fig-line.svg){{#fig-line fig-alt="A line of \\\\"three\\\\" points"}}')
print('\\n![Again](/build/fig-line.svg){{#fig-root fig-alt="From the root"}}')
print('\\n[Data (CSV)](/build/fig-line.csv){{.download}}')
table = GT(pd.DataFrame({{"name": [hostile], "n": [1234]}}), id="t").as_raw_html()
print("\\n::: {{#tbl-rows}}\\n\\n```{{=html}}\\n" + table + "\\n```")
print("\\nRows, «строки»\\n\\n:::\\n")
```

After `{{python}} x`, `{{python}} Markdown("**bold**")`;
[@fig-line; @tbl-rows], -@tbl-rows, @sec-method.

::: {{.content-visible when-format="html"}}
Only on the page.
:::

::: {{.content-hidden when-format="html"}}
Only in print.
:::

::: {{.content-visible when-meta="have.a"}}
Half A.
:::

::: {{.content-visible unless-meta="have.a"}}
No half A, @sec-nowhere.
:::

::: {{.content-visible when-meta="have.b"}}
Half B.
:::

::: {{.content-visible unless-meta="have.c"}}
No half C.
:::
"""

METHOD = """# Method {#sec-method}

## Why {#sec-why}

Back to [there](checks.qmd#sec-checks) and [home](../index.qmd).
"""

GLOSSARY = """---
title: Glossary
---

Words.
"""

BIB = "@book{chen2012, title={Retail}, author={Chen, Daqing}, publisher={X}, year={2012}}\n"


def make_book(root: Path, **changed: str) -> Path:
    """Write the small book, with some chapters replaced."""
    chapters = {"index": INDEX, "checks": CHECKS, "method": METHOD, "glossary": GLOSSARY}
    (root / "report").mkdir(parents=True)
    (root / "build").mkdir()
    (root / "_quarto.yml").write_text(BOOK, encoding="utf-8")
    (root / "build/book.yml").write_text(
        "book: {subtitle: Цена ₽}\nhave: {a: true, b: false}\n", "utf-8"
    )
    (root / "report/references.bib").write_text(BIB, encoding="utf-8")
    for name, text in (chapters | changed).items():
        folder = root if name == "index" else root / "report"
        (folder / f"{name}.qmd").write_text(text, encoding="utf-8")
    return root


def render(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "report.offline", "--root", str(root)]
    project = Path(__file__).parents[2]
    return subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8")


class Page(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.text = " ".join("".join(self.words).split())
        self.ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_book(tmp_path_factory.mktemp("book") / "project")
    done = render(root)
    assert done.returncode == 0, done.stderr
    assert "report/checks.qmd" in done.stdout
    assert done.stderr == ""
    return root


@pytest.fixture(scope="module")
def page(book: Path) -> Page:
    return Page((book / "_site/index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pdf(book: Path) -> PdfReader:
    return PdfReader(book / "_site/customers.pdf")


@pytest.fixture(scope="module")
def printed(pdf: PdfReader) -> str:
    return " ".join(" ".join(sheet.extract_text() for sheet in pdf.pages).split())


@pytest.fixture(params=["page", "pdf"])
def text(request: pytest.FixtureRequest, page: Page, printed: str) -> str:
    return page.text if request.param == "page" else printed


@pytest.mark.parametrize(
    "words",
    [
        "Customers & more",
        "Цена ₽",
        "1 Data checks",
        "1.1 The cleaning steps for A*B*",
        "Appendix A — Method",
        "A.1 Why",
        "Appendix B — Glossary",
        "See the cleaning steps, checks, Figure 1.1, Section A.1.",
        "Figure 1.1: It rises",
        "Table 1.1: Rows, «строки»",
        "Before 1.",
        "After 2, bold; Figure 1.1, Table 1.1, 1.1, Appendix A.",
        "How to read this",
        "As Chen (2012) say.",
        "References",
        "Chen, Daqing. 2012.",
    ],
)
def test_both_say_the_same(text: str, words: str) -> None:
    assert words in text


def test_hostile_text_is_shown_in_prose_and_table(text: str) -> None:
    assert text.count("<script>alert(1)</script> #panic() $x$ *a* @foo [l](u) `c` \\") == 2
    assert "never shown" not in text


def test_parts_depend_on_metadata(text: str) -> None:
    assert "Half A. No half C." in text
    assert "No half A" not in text
    assert "Half B" not in text


def test_formats_differ_where_asked(page: Page, printed: str) -> None:
    assert "Only on the page." in page.text
    assert "Only in print." not in page.text
    assert "Only in print." in printed
    assert "Only on the page." not in printed
    assert "Data (CSV)" not in printed


def test_page_loads_nothing(page: Page) -> None:
    assert not any("src" in script for script in page.all("script"))
    assert not list(page.all("link"))
    sources = [tag["src"] or "" for _, tag in page.tags if "src" in tag]
    assert sources
    assert all(source.startswith("data:") for source in sources)


def test_every_picture_says_what_it_shows(page: Page) -> None:
    assert [tag.get("alt") for tag in page.all("img")] == [
        'A line of "three" points',
        "From the root",
    ]


def test_download_holds_the_file(book: Path, page: Page) -> None:
    [tag] = [tag for tag in page.all("a") if tag.get("download")]
    assert tag["download"] == "fig-line.csv"
    kind, _, data = (tag["href"] or "").partition(",")
    assert kind.startswith("data:text/csv")
    assert unquote_to_bytes(data) == (book / "build/fig-line.csv").read_bytes()


def test_links_lead_somewhere(page: Page) -> None:
    inside = [tag["href"] or "" for tag in page.all("a") if not tag.get("download")]
    assert inside
    assert [href for href in inside if href[1:] not in page.ids] == []
    assert len(page.ids) == len(set(page.ids))
    assert {"#sec-cleaning", "#sec-checks", "#fig-line", "#tbl-rows"} <= set(inside)


def test_page_has_language_footer_and_contents(book: Path, page: Page) -> None:
    source = (book / "_site/index.html").read_text(encoding="utf-8")
    assert source.startswith("<!doctype html>")
    assert [tag["lang"] for tag in page.all("html")] == ["en"]
    assert "Made by <em>us</em>" in source
    assert re.search(r"<title>Customers &amp; more</title>", source)
    assert [tag.get("aria-label") for tag in page.all("nav")] == ["Contents"]


def test_pdf_is_described_and_undated(pdf: PdfReader) -> None:
    assert pdf.metadata is not None
    assert (pdf.metadata.title, pdf.metadata.author) == ("Customers & more", "The analysts")
    assert pdf.metadata.creation_date is None


@pytest.mark.parametrize(
    ("chapter", "reason"),
    [
        ("# A\n\n```{python}\n#| label: sums\n1 / 0\n```\n", "report/checks.qmd, block sums: Zero"),
        ("# A\n\nSee `{python} absent`.\n", "report/checks.qmd, block 1: NameError"),
        ("# A\n\nSee @fig-absent.\n", "The cross-reference @fig-absent points at nothing."),
        ("# A\n\nSee [it](method.qmd#sec-no).\n", "The link to sec-no points at nothing."),
        ("# A\n\nSee [@nobody].\n", "citation nobody not found"),
        ("# A\n\n![](../build/x.svg){fig-alt='A'}\n", "build/x.svg not found"),
        ("# A {#sec-why}\n", "The label sec-why is used twice."),
    ],
)
def test_failure_is_one_sentence_and_leaves_the_site(
    tmp_path: Path, chapter: str, reason: str
) -> None:
    others = {"index": "# Summary {.unnumbered}\n", "method": "# Why {#sec-why}\n"}
    root = make_book(tmp_path / "p", checks=chapter, **others)
    (root / "_site").mkdir()
    (root / "_site/index.html").write_text("old")
    done = render(root)
    assert done.returncode == 1
    assert done.stderr.startswith("Not rendered: ")
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert [file.name for file in (root / "_site").iterdir()] == ["index.html"]
    assert (root / "_site/index.html").read_text() == "old"
    assert not list(root.glob(".offline-*"))


def test_offline_path_stays_small() -> None:
    files = [file for file in Path(__file__).parents[2].glob("report/offline/*") if file.is_file()]
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 300
