"""Declare the steps that present: one for each figure, set table and topic of sentences.

They follow from the sections of ``analysis/*/sentences.toml``: a section names what it presents,
the module that makes it, and the tables that this needs. The function has the name of the section,
with underscores. It gets each table by its name, and each fact by the last part of its name.
"""

from __future__ import annotations

from functools import cache

from analysis.build.step import Step
from analysis.core.paths import ROOT
from analysis.core.sentences import Section, sections, subjects

#: What the steps of a kind make, besides their words.
MADE = {
    "figure": ("figures/{}.svg", "downloads/{}.csv"),
    "table": ("tables/{}.html", "downloads/{}.csv"),
    "cards": ("cards/{}.json",),
    "text": (),
}
#: Figures that the brief shows: a mail keeps pixels, and drops SVG.
MAILED = {
    "segment-size-and-value",
    "revenue-at-risk-by-tier",
    "revenue-at-risk-by-segment",
    "risk-groups",
    "decline-by-category",
}


def presenting_steps() -> tuple[Step, ...]:
    """Return the steps that present.

    Raises
    ------
    ValueError
        When two subjects have a section of the same name.
    """
    found: dict[str, Step] = {}
    for subject in subjects():
        for name, section in sections(subject).items():
            if name in found:
                raise ValueError(f"two files of sentences have a section [{name}]")
            if section.kind:
                found[name] = _step(subject, name, section)
    return tuple(found.values())


def _step(subject: str, name: str, section: Section) -> Step:
    return Step(
        f"{section.kind} {name}",
        f"analysis.{subject}.{section.module}:{name.replace('-', '_')}",
        needs=tuple(section.needs),
        makes=(
            *(made.format(name) for made in MADE[section.kind]),
            *([f"mail/{name}.png"] if name in MAILED else []),
            f"text/{name}.json",
        ),
        settings=tuple(section.settings),
        reads=_typeface() if section.kind == "figure" else (),
        kind=section.kind,  # type: ignore[arg-type]
        facts=tuple(section.facts),
        says=tuple(f"{subject}.{own}" for own in (name, *section.also)),
    )


@cache
def _typeface() -> tuple[str, ...]:
    """Return the files of the typeface, by which pictures are measured out."""
    found = sorted((ROOT / "report" / "theme" / "fonts").glob("*.ttf"))
    return tuple(path.relative_to(ROOT).as_posix() for path in found)
