"""Place what the build has made in a chapter: figures, tables and sentences, by their names.

A chapter's cells print Markdown (``#| output: asis``). Nothing is computed or drawn here. What an
input that is not there would have given prints nothing; a name that no step can make is an error,
so that a chapter never has a silent gap. Every text passes through `escape` where it is placed.
"""

from __future__ import annotations

import re
import tomllib
from html import escape as escape_html
from typing import Any, Literal

from IPython.display import Markdown

from analysis.core import files, sentences
from analysis.core.palette import PRIMARY
from analysis.core.paths import ROOT

BUILD = ROOT / "build"
MANIFEST: dict[str, Any] = files.read_json(BUILD / "manifest.json")
TEXT: dict[str, str] = files.read_json(BUILD / "text.json")
#: The takeaways of each chapter: sentences, and the sections that they point to.
TAKEAWAYS = ROOT / "report" / "takeaways.toml"
MOST_TAKEAWAYS = 3
_FACTS: dict[str, Any] = files.read_json(BUILD / "facts.json")
#: Whether orders and regular customers came: then print leaves more to the pages, and stays short.
BOTH = bool(_FACTS.get("transactions.available") and _FACTS.get("activity.available"))
#: Tiles in a row of the PDF.
MOST_TILES = 5
#: Inline code prints something, or Quarto prints the expression: a space of no width is nothing.
#: `theme/pictures.lua` takes it off the page, with a paragraph that says nothing else.
NOTHING = "\u200b"


def escape(text: str, form: Literal["markdown", "html", "typst", "attribute"] = "markdown") -> str:
    r"""Escape a text, so that a format shows it letter by letter.

    Parameters
    ----------
    text
        Raw text; any white space becomes a single space.
    form
        "attribute" is a value in quotation marks of Pandoc's Markdown, such as an alternative text.

    Examples
    --------
    >>> print(escape("<b>*5*</b>"), escape("<b>*5*</b>", "html"))
    \<b\>\*5\*\<\/b\> &lt;b&gt;*5*&lt;/b&gt;
    >>> print(escape('#"a"', "typst"), escape('{{< "a\\b" >}}', "attribute"))
    \#\"a\" { {< 'a/b' >}}
    """
    flat = " ".join(text.split())
    if form == "attribute":
        return flat.replace('"', "'").replace("\\", "/").replace("{{", "{ {")
    # A line of a narrow card may not end between a minus and its amount.
    flat = re.sub(r"−(?=\S)", "−\u2060", flat)
    if form == "html":
        return escape_html(flat)
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", flat)


def text(name: str) -> str:
    """Return a text of the build; empty where its input is not there, or nothing is to be said.

    Raises
    ------
    ValueError
        When no template can make a text of this name.
    """
    if name not in TEXT and not sentences.is_known(name):
        raise ValueError(f"no file of sentences has a text '{name}'")
    return TEXT.get(name, "")


def say(name: str) -> Markdown:
    """Return a sentence for an inline expression."""
    return Markdown(escape(text(name)) or NOTHING)


def has(name: str) -> bool:
    """Tell whether the build has a figure, a table or a text."""
    return any(known.startswith(f"{name}.") for known in TEXT) or bool(text(name))


def figure(name: str, in_print: bool = True) -> None:
    """Print a figure: headline, picture, caption, and a link to what was drawn.

    Parameters
    ----------
    in_print
        Whether the PDF has it, too; if not, say there where it is, with `on_the_web`.
    """
    if not _is_made(name, "figure", f"figures/{name}.svg"):
        return
    _print_block(
        *_begin(in_print),
        f"::: {{#fig-{name}}}",
        *_picture(name),
        escape(text(f"{name}.caption") or text(f"{name}.name")),
        ":::",
        *_end(in_print),
    )
    _print_download(name)


def _begin(in_print: bool) -> list[str]:
    """Return what begins a block that only web pages have, unless print has it, too."""
    return [] if in_print else ['::::: {.content-visible when-format="html"}']


def _end(in_print: bool) -> list[str]:
    return [] if in_print else [":::::"]


def quote(*names: str) -> None:
    """Print the first figure that there is of those that other chapters show, and where it is."""
    for name in names:
        text(f"{name}.headline")  # an unknown name is an error
    drawn = [name for name in names if (BUILD / "figures" / f"{name}.svg").is_file()]
    if drawn:
        _print_block(*_picture(drawn[0], f" (@fig-{drawn[0]})"))


def _picture(name: str, place: str = "") -> tuple[str, str]:
    """Return the headline of a figure, with where it is if another chapter has it; its picture."""
    alt = escape(text(f"{name}.alt") or text(f"{name}.headline"), "attribute")
    return (
        f"[**{escape(text(f'{name}.headline'))}**{place}]{{.headline}}",
        f'![](/build/figures/{name}.svg){{fig-alt="{alt}"}}',
    )


def table(name: str, in_print: bool = True) -> None:
    """Print a set table with its caption, and a link to its data; one of a single row as text.

    Parameters
    ----------
    in_print
        As of `figure`.
    """
    if row := TEXT.get(f"{name}.row"):
        _print_block(f"{escape(text(f'{name}.caption') or text(f'{name}.name'))} {escape(row)}")
        _print_download(name)
        return
    if not _is_made(name, "table", f"tables/{name}.html"):
        return
    html = (BUILD / "tables" / f"{name}.html").read_text(encoding="utf-8")
    caption = escape(text(f"{name}.caption") or text(f"{name}.name"))
    _print_block(
        *_begin(in_print),
        f"::: {{#tbl-{name}}}",
        f"```{{=html}}\n{html}\n```",
        caption,
        ":::",
        *_end(in_print),
    )
    _print_download(name)


def cards(name: str, across: int = 2, in_print: bool | str = True) -> None:
    """Print cards: for each a heading, a badge, and a label and a text for each line.

    Parameters
    ----------
    across
        How many stand side by side in print.
    in_print
        Whether the PDF has them, too; or a table that stands for them, with its sentence
        ``said-left``.
    """
    if not _is_made(name, "cards", f"cards/{name}.json"):
        return
    made = files.read_json(BUILD / "cards" / f"{name}.json")["cards"]
    for number, card in enumerate(made, 1):
        badge = f"[{escape(card['badge'])}]{{.badge-verdict}}" if card["badge"] else ""
        lines = [f"{escape(label)}\n:   {escape(said)}" for label, said in card["lines"]]
        _print_block(
            ':::: {.content-visible when-format="html"}',
            "::: {.segment-card}",
            # Chapters may have cards of the same name, and all are one page without Quarto.
            f"### {escape(card['title'])} {badge} {{#{name}-{number} .unnumbered}}",
            "\n\n".join(lines),
            ":::",
            "::::",
        )
    if isinstance(in_print, str):
        _print_block('::::: {.content-visible when-format="typst"}')
        table(in_print)
        _print_block(escape(text(f"{in_print}.said-left")), ":::::")
        return
    if not in_print:
        return
    size = 8.0 if across < 3 else 7.6
    printed = [_typst_card(size, **card) for card in made]
    # A grid for each row: one grid would draw a line beside a last card that stands alone.
    rows = [",\n".join(printed[i : i + across]) for i in range(0, len(printed), across)]
    grid = f"#block(above: 8pt, below: 8pt, grid(columns: (1fr,) * {across}, column-gutter: 8pt,"
    _print_block("```{=typst}", *(f"{grid}\n{row}\n))" for row in rows), "```")


def _typst_card(size: float, title: str, badge: str, lines: list[tuple[str, str]]) -> str:
    """Return a card for print: a cell of a grid that stays whole, each label before its text."""
    said = " #parbreak() ".join(
        f"#strong[{escape(label, 'typst')}] #h(3pt) {escape(line, 'typst')}"
        for label, line in lines
    )
    word = f"text(size: 7.5pt)[{escape(badge, 'typst')}]"
    mark = f"#box(stroke: 0.5pt, radius: 2pt, inset: 2.5pt, {word})" if badge else ""
    return (
        "grid.cell(breakable: false, stroke: 0.5pt + luma(190), inset: 7pt)[\n"
        f"#set text(size: {size}pt)\n"
        "#set par(justify: false, leading: 0.45em, spacing: 0.6em, first-line-indent: 0pt)\n"
        f"#block(below: 0.7em)[#text(size: 10pt, weight: 600)[{escape(title, 'typst')}] "
        f"#h(1fr) {mark}]\n{said}\n]"
    )


def begin_one_page() -> None:
    """Set what follows, until `end_one_page`, so that it fits one page in print."""
    _print_block("```{=typst}\n#one-page[\n```")


def end_one_page() -> None:
    """End what `begin_one_page` began."""
    _print_block("```{=typst}\n]\n```")


def lead(name: str) -> None:
    """Print the sentence that a page begins with."""
    if said := text(name):
        _print_block(f"[**{escape(said)}**]{{.lead-sentence}}")


def tiles(name: str) -> None:
    """Print key figures side by side, each with its sparkline and what it is compared with."""
    if not _is_made(name, "cards", f"cards/{name}.json"):
        return
    made = files.read_json(BUILD / "cards" / f"{name}.json")["cards"]
    html = "\n".join(_html_tile(**tile) for tile in made)
    printed = ",\n".join(_typst_tile(**tile) for tile in made)
    grid = f"#grid(columns: (1fr,) * {min(len(made), MOST_TILES)}, gutter: 8pt,"
    _print_block(
        f'```{{=html}}\n<ul class="tiles">\n{html}\n</ul>\n```',
        f"```{{=typst}}\n{grid}\n{printed}\n)\n#v(6pt)\n```",
    )


def _html_tile(label: str, value: str, note: str, sparkline: str, warning: str) -> str:
    line = sparkline.replace("<svg ", '<svg class="sparkline" aria-hidden="true" ', 1)
    doubt = f'<span class="tile-warning">{escape(warning, "html")}</span>' if warning else ""
    return (
        f'<li><span class="tile-label">{escape(label, "html")}</span>'
        f'<strong class="tile-value">{escape(value, "html")}</strong>{line}'
        f'<span class="tile-note">{escape(note, "html")}</span>{doubt}</li>'
    )


def _typst_tile(label: str, value: str, note: str, sparkline: str, warning: str) -> str:
    lines = [
        f"#text(size: 8pt)[{escape(label, 'typst')}]",
        f"#text(size: 15pt, weight: 600)[{escape(value, 'typst')}]",
    ]
    if sparkline:
        drawn = sparkline.replace('"', "'").replace("currentColor", PRIMARY)
        lines.append(f'#image(bytes("{drawn}"), format: "svg", width: 80%, alt: "")')
    lines.append(f"#text(size: 7.5pt)[{escape(note, 'typst')}]")
    if warning:
        lines.append(f"#text(size: 7.5pt, weight: 600)[{escape(warning, 'typst')}]")
    inside = " #v(-4pt) ".join(lines)
    return (
        "block(width: 100%, breakable: false, stroke: (top: 1.5pt + luma(120)), inset: (top: 5pt))"
        f"[#set par(justify: false, leading: 0.45em, first-line-indent: 0pt)\n{inside}]"
    )


def takeaways(chapter: str, most: int = MOST_TAKEAWAYS) -> None:
    """Print the takeaways of a chapter, each with the section that it comes from."""
    told = [(text(name), see) for name, see in read_takeaways(chapter)]
    lines = [f"- {escape(said.removesuffix('.'))} (@{see})." for said, see in told if said]
    if lines:
        # In print they stay together, and with the title of the chapter.
        whole = "```{=typst}\n#block(breakable: false)[\n```", "```{=typst}\n]\n```"
        _print_block("::: {.takeaways}", whole[0], "\n".join(lines[:most]), whole[1], ":::")


def bullets(name: str) -> None:
    """Print the sentences of a section as a list."""
    said = [text(known) for known in TEXT if known.startswith(f"{name}.said-")]
    if said:
        _print_block("\n".join(f"- {escape(one)}" for one in said))


def read_takeaways(chapter: str) -> list[tuple[str, str]]:
    """Return the names of a chapter's takeaways, the most important first, and their sections."""
    every = tomllib.loads(TAKEAWAYS.read_text(encoding="utf-8"))
    return [(one["say"], one["see"]) for one in every[chapter]]


def on_the_web(title: str, place: str, when: bool = True) -> None:
    """Print, in print only, where something is that only the web pages have."""
    if not when:
        return
    chapter, _, label = place.partition("#")
    _print_block(
        '::: {.content-visible when-format="typst"}',
        f"*{escape(title)}*: on the web, {chapter}.html#{label}.",
        ":::",
    )


def sample_notice() -> None:
    """Say, where the report shows generated data, that it does."""
    if MANIFEST.get("sample"):
        _print_block(
            '::: {.callout-warning title="This report shows sample data"}',
            "The shop and its customers are generated: no number describes a real shop. To see "
            "yours, put your files into `data/raw` and run `make report` again.",
            ":::",
        )


def _is_made(name: str, kind: str, file: str) -> bool:
    """Tell whether the build made something; where it says why not, print that.

    Raises
    ------
    ValueError
        When no section of sentences declares it.
    """
    subject = sentences.place(name)
    if not subject or sentences.sections(subject)[name].kind != kind:
        raise ValueError(f"no file of sentences declares a {kind} '{name}'")
    if (BUILD / file).is_file():
        return True
    if why := TEXT.get(f"{name}.none"):
        _print_block(escape(why))
    return False


def _print_block(*parts: str) -> None:
    print("\n" + "\n\n".join(parts) + "\n")


def _print_download(name: str) -> None:
    path = BUILD / "downloads" / f"{name}.csv"
    if not path.is_file():
        return
    size = max(1, round(path.stat().st_size / 1000))
    _print_block(
        '::: {.content-visible when-format="html"}',
        f"[{escape(text(f'{name}.name'))}, CSV, {size} kB]"
        f"(/build/downloads/{name}.csv){{.download}}",
        ":::",
    )
