"""Test the published book in its rendered files: links, numbers, privacy, layout."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import pandas as pd
import pytest
import yaml
from books import rendered
from conftest import KINDS, copy_project, snapshot
from pypdf import PageObject, PdfReader
from pypdf.generic import DecodedStreamObject, NameObject

from analysis.core.files import read_json
from analysis.core.paths import ROOT
from analysis.core.settings import Settings
from analysis.ingest.sample_orders import HOSTILE

pytestmark = pytest.mark.drill
#: What a book on each kind of input must have, and what a book without that input must not have.
PARTS = {
    "orders": {
        *("sec-cleaning", "sec-time", "sec-scores", "sec-segments", "sec-kinds", "sec-retention"),
        *(
            "sec-worth-ledger",
            "fig-revenue-by-month",
            "fig-segment-flows",
            "fig-lapse-by-segment",
            "tbl-cleaning-table",
        ),
        *("tbl-cluster-candidates", "tbl-lapse-candidates", "tbl-columns-customers"),
    },
    "regulars": {
        *("sec-tables", "sec-decline", "sec-contact", "sec-risk-groups", "sec-worth-activity"),
        *(
            "fig-decline-differences",
            "tbl-decline-candidates",
            "fig-contact-cut-off",
            "tbl-decline-leakage",
            "tbl-regulars-spellings",
        ),
        *("tbl-columns-activity",),
    },
}
MEANINGS = {"dictionary.html", "glossary.html", "method.html"}
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


@pytest.fixture(scope="module", params=[*KINDS])
def kind(request: pytest.FixtureRequest) -> str:
    """Return a kind of input: orders, regular customers, or both."""
    return str(request.param)


@pytest.fixture(scope="module")
def site(kind: str, shared: Path) -> Path:
    """Return what was published of a kind of input."""
    return rendered(kind, shared) / "_site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def text_of(page: PageObject) -> str:
    """Return the text of a page; lines and curves, which take long to read, are left out."""
    kept, contents = DecodedStreamObject(), page.get_contents()
    assert contents is not None
    kept.set_data(re.sub(rb"(?:-?[0-9.]+\s){2,6}(?:[mlcvy]|re)(?=\s)", b"", contents.get_data()))
    page[NameObject("/Contents")] = kept
    return page.extract_text()


@pytest.fixture(scope="module")
def sheets(site: Path) -> list[str]:
    """Return the text of each page of the PDF."""
    return [text_of(page) for page in PdfReader(site / "customer-report.pdf").pages]


#: What directors asked, by kind of input, and what answers it, or says why there is no answer.
QUESTIONS = {
    "How much money is at risk next quarter?": {
        "orders": r"net revenue at risk in the next 90 days|ranks customers and states no amounts",
        "regulars": r"at high risk of buying less.{0,80}they bring \d+% of the profit",
    },
    "Growth, or Christmas?": {
        "orders": r"the same months a year earlier.{0,200}95%|difference may be due to the season",
    },
    "What is a customer worth over a year?": {
        "orders": r"customer is expected to bring \S+ on average|not say what a customer is worth",
    },
    "Which budget, from whom, by when?": {
        "orders": r"Who and when.{5,200}customers? on the list.{5,600}a quarter|Contact no segment",
        "regulars": r"Who and when.{5,200}customers? on the list|Contact no regular customers",
    },
    "What did past mailings do?": {
        "orders": r"What past campaigns achieved|No data yet shows what contacting a customer",
        "regulars": r"No data yet shows what contacting a customer|corrected by measured campaigns",
    },
    "Are regular customers the same people?": {
        "both": r"of the [\d,]+ regular customers",
    },
    "Which products win a second order?": {
        "orders": r"placed a second order within|Too few new customers can be followed",
    },
    "What happens if I do nothing?": {
        "orders": r"If we do nothing|ranks customers and states no amounts",
        "regulars": r"are at high risk of buying less",
    },
}


@pytest.mark.parametrize("question", [*QUESTIONS])
def test_what_directors_asked_is_answered(
    kind: str, question: str, pages: dict[Path, Page]
) -> None:
    every = " ".join(page.words for page in pages.values())
    kinds = {kind} if kind != "both" else {"orders", "regulars", "both"}
    for name in kinds & set(QUESTIONS[question]):
        assert re.search(QUESTIONS[question][name], every, re.IGNORECASE), name


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


def test_no_script_of_a_page_is_a_module_which_a_browser_blocks_on_a_disk(
    pages: dict[Path, Page],
) -> None:
    modules = [
        (path.name, a.get("src"))
        for path, page in pages.items()
        for tag, a in page.tags
        if tag == "script" and a.get("type") == "module"
    ]
    assert modules == []


def test_the_first_stop_of_the_keyboard_leads_to_the_text(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        links = [attrs for tag, attrs in page.tags if tag == "a"]
        if path.name != "brief.html":
            assert links[0].get("class") == "skip-link", path


def test_every_image_says_what_it_shows(pages: dict[Path, Page]) -> None:
    # Pictures stand in the page itself, as SVG; their text alternative is a label.
    images = [
        (a.get("src", path.name), a.get("alt", a.get("aria-label", "")))
        for path, page in pages.items()
        for tag, a in page.tags
        if tag == "img" or "picture" in a.get("class", "").split()
    ]
    assert len(images) >= 10
    assert [(source[:80], said) for source, said in images if len(said) < 40] == []


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


#: A paragraph that ends with a colon, or a heading, and what comes after it.
LEAD_IN = re.compile(r"<p>((?:(?!</p>).)*?):\s*</p>\s*<(/?\w+)", re.S)
HEADING = re.compile(r"<h([1-6])[^>]*>((?:(?!</h\1>).)*)</h\1>\s*<(/section|h[1-6])", re.S)


def announced_and_missing(html: str) -> list[str]:
    """Return lead-ins that no list, table or picture follows, and headings without a section."""
    shown = {"ul", "ol", "dl", "table", "div", "figure", "pre", "blockquote", "math"}
    found = [text for text, tag in LEAD_IN.findall(html) if tag not in shown]
    found += [
        text
        for level, text, after in HEADING.findall(html)
        if after == "/section" or after[1] <= level
    ]
    return [re.sub(r"<[^>]+>", "", text).strip()[-80:] for text in found]


def test_nothing_is_announced_that_does_not_come(pages: dict[Path, Page]) -> None:
    missing = {path.name: announced_and_missing(path.read_text("utf-8")) for path in pages}
    assert {name: texts for name, texts in missing.items() if texts} == {}


def test_a_lead_in_or_a_heading_without_what_it_announces_is_found() -> None:
    assert announced_and_missing("<p>Wrong if:</p>\n<h2>Next</h2><p>a</p>") == ["Wrong if"]
    assert announced_and_missing("<p>Wrong if:</p>\n<ul><li>a</li></ul>") == []
    assert announced_and_missing("<h2>One</h2>\n<h2>Two</h2><p>a</p>") == ["One"]
    assert announced_and_missing("<h2>One</h2>\n<h3>Two</h3><p>a</p>") == []
    assert announced_and_missing("<section><h2>One</h2>\n</section>") == ["One"]


def test_markup_in_the_data_is_shown_as_text(site: Path, pages: dict[Path, Page]) -> None:
    """The sample has a product that is a script; it is among those that a page or a CSV names."""
    assert not [
        1 for path in pages for text in [path.read_text("utf-8")] if '<script>alert("x")' in text
    ]
    shown = " ".join(page.words for page in pages.values())
    assert "unresolved" not in shown
    assert "?@" not in shown
    assert "{python}" not in shown


def made_of(site: Path) -> dict[str, Any]:
    """Return the manifest of the build that a book was rendered from."""
    return read_json(site.parent / "build" / "manifest.json")


def test_the_first_page_says_when_it_stands_on_the_sample(
    site: Path, pages: dict[Path, Page]
) -> None:
    first = next(page for path, page in pages.items() if path.name == "index.html")
    assert ("This report shows sample data" in first.words) is made_of(site)["sample"]


def test_a_book_has_what_its_input_allows_and_nothing_of_the_other(
    kind: str, pages: dict[Path, Page]
) -> None:
    found = {a["id"] for page in pages.values() for _, a in page.tags if "id" in a}
    for one, parts in PARTS.items():
        expected = parts if kind in (one, "both") else set()
        assert parts & found == expected, one


#: What states a future count, share or sum. Conditions ("pays if …"), past tests and costs do not.
LEVELS = re.compile(
    r"[^.]*(?:"
    r"\b(?:are|is) expected to (?:place|order|stop|stay|bring|spend|lapse|pay)\b"
    r"|\bwe expect (?:£|[\d,.]+ (?:million|customers|orders))"
    r"|\b(?:expected|net) gain\b[^.]*?[\d%]"
    r"|\bexpected (?:net )?(?:profit|revenue|spend|gain)\b[^.]*?\d"
    r"|\bwill (?:bring|spend|order|place|stop|lapse|stay|return)\b"
    r"[^.]{0,40}?(?:£|\d%|million|\d customers)"
    r"|\bat risk in the next\b|\b(?:revenue|spend) may not come\b"
    r"|\bin the next (?:\d+|three|twelve) (?:days|months)\b[^.]*?[£%]"
    r")[^.]*"
)
#: Names of columns that hold what is expected.
EXPECTED = re.compile(r"(?:expected|at_risk|away)_(?:spend_)?(?:90|365)|expected_profit")


def stated_levels(text: str) -> list[str]:
    """Return the sentences of a text about customers of the orders that state what will be."""
    return [found.strip()[:200] for found in LEVELS.findall(text)]


def test_a_book_without_a_known_season_states_no_future_level(
    site: Path, sheets: list[str], pages: dict[Path, Page]
) -> None:
    facts = read_json(site.parent / "build" / "facts.json")
    if facts.get("forecast.season_known") is not False or facts["activity.available"]:
        pytest.skip("the season is known, or there are regular customers, who have no season")
    texts = {path.name: page.words for path, page in pages.items()}
    # In print, too, the pages of the dictionary say what columns mean.
    printed = [sheet for sheet in sheets if "Data dictionary" not in sheet]
    texts |= {"the PDF": " ".join(" ".join(printed).split())}
    # The dictionary and the glossary say what columns and words mean.
    kept = {name: text for name, text in texts.items() if name not in MEANINGS}
    found = {name: stated_levels(text) for name, text in kept.items()}
    assert {name: said for name, said in found.items() if said} == {}
    for name, table in downloads(site).items():
        columns = [column for column in table if EXPECTED.search(str(column))]
        assert not table[columns].notna().any(axis=None), name
    levels = [name for name in facts if EXPECTED.search(name) and facts[name] is not None]
    assert [name for name in levels if not name.startswith("activity.")] == []


@pytest.mark.parametrize(
    "text",
    [
        "Of 2,877 customers, 31% are expected to place no order by March",
        "Expected net gain: £1,321 (£1,010 to £2,345) in a quarter",
        "£430,000 of revenue is at risk in the next 90 days",
        "Known customers will bring net revenue of £1.2 million",
        "£140,000 of net revenue is at risk; we expect £690,000",
    ],
)
def test_a_sentence_that_states_a_level_is_found(text: str) -> None:
    assert stated_levels(f"Before. {text}. After.")


def test_a_condition_and_the_past_are_no_levels() -> None:
    for text in (
        "It pays if at least 1.2 percentage points more order; we assume 3",
        "575 customers brought £205,204 in the last 12 months",
        "Cost: £13.20. It breaks even at 0.3 points",
    ):
        assert stated_levels(f"{text}.") == []


def test_figures_and_tables_are_numbered_and_found(kind: str, pages: dict[Path, Page]) -> None:
    words = " ".join(page.words for page in pages.values()).replace("\xa0", " ")
    labels = set(re.findall(r"(Figure|Table) ([1-9A-C])\.(\d+)\b", words))
    assert len(labels) >= {"orders": 50, "regulars": 30, "both": 70}[kind]
    lacking = {
        (what, chapter, n)
        for what, chapter, last in labels
        for n in range(1, int(last))
        if (what, chapter, str(n)) not in labels
    }
    assert lacking == set()
    assert "not available" not in words
    assert re.findall(r".{20}\bnan\b.{20}", words) == []


def test_the_data_behind_each_picture_can_be_had(pages: dict[Path, Page]) -> None:
    downloads = [
        a
        for page in pages.values()
        for tag, a in page.tags
        if tag == "a" and "download" in a.get("class", "").split()
    ]
    assert len(downloads) >= 10


def chapter_titles(kind: str) -> list[str]:
    """Return the titles of the chapters and appendices that a kind of book has."""
    config = yaml.safe_load((ROOT / "_quarto.yml").read_text("utf-8"))
    listed = config["contents"]
    names = [*config["book"]["chapters"], *listed["appendices"]]
    names += [name for part in listed["parts"] for name in part["chapters"]]
    if kind == "regulars":
        names = [name for name in names if listed["needs"].get(name) != "ledger"]
    texts = [(ROOT / name).read_text("utf-8") for name in names]
    titles = [re.findall(r"^(?:# |title: )(.*?)(?: \{.*)?$", text, re.M)[:1] for text in texts]
    assert all(titles), "a chapter without a title"
    return [title for (title,) in titles]


def test_the_pdf_holds_the_whole_book(kind: str, site: Path, sheets: list[str]) -> None:
    text = " ".join(" ".join(sheets).split())
    for words in (*chapter_titles(kind), "Scandinavian Journal of Statistics"):
        assert words in text, words
    assert ("This report shows sample data" in text) is made_of(site)["sample"]
    assert ("Champions" in text) is (kind != "regulars")
    assert "[The data behind" not in text
    assert "&#" not in text


def test_pages_and_pdf_number_what_other_chapters_refer_to_alike(
    sheets: list[str], pages: dict[Path, Page]
) -> None:
    """In print, a number could be taken from the chapter that refers to it."""
    printed, shown = (
        sorted(re.findall(r"\(((?:Figure|Table) [\dA-C.]*\d)\)", " ".join(text.split())))
        for text in (" ".join(sheets), " ".join(page.words for page in pages.values()))
    )
    assert printed == shown != []


def texts_of(site: Path, sheets: list[str], pages: dict[Path, Page]) -> dict[str, str]:
    """Return all that a book says: pages, their tags, the PDF, and what lies beside them."""
    texts = {f"page {n} of the PDF": sheet for n, sheet in enumerate(sheets, 1)}
    texts |= {f"words of {path.name}": page.words for path, page in pages.items()}
    texts |= {
        f"tags of {path.name}": " ".join(
            value
            for tag, attributes in page.tags
            for name, value in attributes.items()
            if not value.startswith("data:image")
        )
        for path, page in pages.items()
    }
    return texts | {
        path.name: path.read_text("utf-8")
        for path in site.rglob("*")
        if path.suffix in (".csv", ".json", ".svg", ".xml")
    }


#: An id of the sample, also with commas between thousands, or as a float: see `FIRST_CUSTOMER`.
SAMPLE_ID = re.compile(r"(?<![\w.,])41,?00\d,?\d{3}(?:\.0+)?(?![\w]|[.,]\d)")


#: A number that may be an id of a real shop: no part of an amount, and without commas.
REAL_ID = re.compile(r"(?<![\w.,])(\d{4,6})(?:\.0+)?(?![\w]|[.,]\d)")


def test_no_file_of_the_site_names_a_customer(
    site: Path, sheets: list[str], pages: dict[Path, Page]
) -> None:
    """Not in the words of a page or of the PDF, and not in what lies beside them."""
    texts = texts_of(site, sheets, pages)
    tables = [site.parent / "build" / f"{name}.parquet" for name in ("customers", "activity")]
    ids = {
        number
        for path in tables
        if path.is_file()
        for number in pd.read_parquet(path)["customer_id"]
    }
    assert len(ids) >= 1000
    if made_of(site)["sample"]:
        found = {where: SAMPLE_ID.findall(text)[:3] for where, text in texts.items()}
    else:
        found = {
            where: list(ids.intersection(REAL_ID.findall(text)))[:3]
            for where, text in texts.items()
        }
    assert {where: numbers for where, numbers in found.items() if numbers} == {}


def test_the_pattern_knows_every_id_of_the_sample(sample_build: Path) -> None:
    """Else the test above would find nothing whatever was published."""
    for name in ("customers", "activity"):
        ids = pd.read_parquet(sample_build / f"{name}.parquet")["customer_id"]
        assert ids.map(lambda text: bool(SAMPLE_ID.fullmatch(text))).all()
        number = int(ids.iloc[0])
        for written in (f"no. {number}.", f"({number:,})", f"{number:.1f}, then", f"\n{number}\n"):
            assert SAMPLE_ID.search(written), written
    assert not SAMPLE_ID.search("0.41000123 4100012 141000123 a41000123")


#: Sizes of groups in what can be downloaded. How many of a group did something is none: of a group
#: that is large enough it may be told that one customer came back.
PEOPLE = ("customers", "scored", "contacted", "consenting", "refusing", "before", "now")
#: Counts that say how many there are, and nothing about them: what was set aside by a rule, what
#: lies under codes that are no products, and products that few bought.
COUNTED_ONLY = {
    "regulars-set-aside",
    "non-product-codes",
    "best-selling-products",
    "rejected-lines",
}
#: What a row with a small count may still hold: who they are, how many, and what to do about them.
HARMLESS = re.compile(
    r"segment|group|cluster|half|shown|share(_low|_high)?|date|quarter_end|reason|few|kind|name|"
    r"objective|action|channel|offer|owner|timing|metric|avoid|"
    r"cost_per_contact|uplift(_low|_high)?|listed|verdict|"
    # None of those who are not contacted are held out; an offer's rule is the settings'.
    r"campaigns|control|forgone|segments|column|way|limit"
)


def small_groups(name: str, table: pd.DataFrame, minimum_group: int) -> list[str]:
    """Return which measures of too few people a table shows."""
    counts = [column for column in PEOPLE if column in table and name not in COUNTED_ONLY]
    found = []
    for column in counts:
        number = pd.to_numeric(table[column], errors="coerce")
        rows = table[(number > 0) & (number < minimum_group)]
        shown = rows.columns[rows.notna().any()]
        found += [
            f"{name}: {other} of few {column}"
            for other in shown
            if other not in counts and not HARMLESS.fullmatch(other)
        ]
    return found


def downloads(site: Path) -> dict[str, pd.DataFrame]:
    """Return the tables that can be downloaded, whether they are files or within the page."""
    found = {path.stem: path.read_bytes() for path in site.rglob("*.csv")}
    for path in site.rglob("*.html"):
        for tag, attributes in Page(path).tags:
            href = attributes.get("href", "")
            if tag == "a" and href.startswith("data:text/csv"):
                name = attributes.get("download", "").removesuffix(".csv")
                about, _, data = href.partition(",")
                content = base64.b64decode(data) if about.endswith("base64") else None
                found[name] = unquote_to_bytes(data) if content is None else content
    return {name: pd.read_csv(io.BytesIO(content)) for name, content in found.items()}


def test_no_download_describes_a_group_that_is_too_small(site: Path, settings: Settings) -> None:
    tables = downloads(site)
    assert len(tables) >= 10
    assert sum(column in table for table in tables.values() for column in PEOPLE) >= 4
    minimum_group = settings.report.smallest_group
    assert [
        text for name, table in tables.items() for text in small_groups(name, table, minimum_group)
    ] == []


def test_a_download_that_describes_one_customer_is_found() -> None:
    table = pd.DataFrame({"segment": ["a", "b"], "customers": [1, 9], "spend": [10.0, 20.0]})
    assert small_groups("fig-x", table, 5) == ["fig-x: spend of few customers"]
    assert small_groups("fig-x", table.assign(spend=[float("nan"), 20.0]), 5) == []


def test_the_hostile_product_reaches_a_page(tmp_path: Path) -> None:
    """In a table, a caption, an alternative text and a CSV, its markup stays text."""
    from report import page

    assert page.escape(HOSTILE).count("\\") >= 10
    assert "<script>" not in page.escape(HOSTILE)


def test_a_refused_folder_leaves_the_published_book(shared: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    site = shutil.copytree(rendered("both", shared) / "_site", project / "_site")
    before = snapshot(site)
    bad = project / "bad" / "transactions"
    bad.mkdir(parents=True)
    (bad / "sales.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "report"],
        cwd=project,
        env=os.environ | {"REPORT_DATA": str(bad.parent), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "there is no column for customer id" in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(site) == before
