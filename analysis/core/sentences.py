"""Fill templates of sentences: one file a subject, ``analysis/SUBJECT/sentences.toml``.

A file has one section for each figure, table or topic. Its templates are whole sentences, headings
or labels: raw text with fields in braces, never markup, and never glued together. One that depends
on a number has a form for each plural, which is chosen by the field `count`::

    [weekdays]
    figure = "figures"               # drawn by `weekdays` in analysis/SUBJECT/figures.py
    needs = ["week"]
    name = "Orders by weekday"
    headline = "{day} has {share} of all orders"
    silent.one = "There are no orders on {count} weekday."
    silent.other = "There are no orders on {count} weekdays."
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from string import Formatter
from typing import Any, NamedTuple

from babel import Locale

from analysis.core.formatting import LOCALE, count
from analysis.core.paths import ROOT

FILE = "sentences.toml"
#: What a section can present, with the module of the subject that makes it.
KINDS = ("figure", "table", "cards", "text")
#: What a section says of its step; all else are templates.
DECLARED = ("needs", "facts", "settings", "also")
#: A template, or its plural forms.
Template = str | Mapping[str, str]
_PLURAL = Locale.parse(LOCALE).plural_form
_allowed: ContextVar[tuple[str, ...] | None] = ContextVar("allowed", default=None)


class Section(NamedTuple):
    """A section: its templates, and the step that fills them.

    Attributes
    ----------
    templates
        By key.
    kind
        "figure", "table", "cards" or "text"; empty where the section only lends its words to
        others.
    module
        The module of the subject, which has a function with the section's name.
    needs, facts, settings
        As of a step (`analysis.build.step`).
    also
        Other sections of the subject whose templates the function fills.
    """

    templates: Mapping[str, Template]
    kind: str = ""
    module: str = ""
    needs: Sequence[str] = ()
    facts: Sequence[str] = ()
    settings: Sequence[str] = ()
    also: Sequence[str] = ()


def subjects() -> list[str]:
    """Return the subjects that have sentences."""
    return sorted(path.parent.name for path in (ROOT / "analysis").glob(f"*/{FILE}"))


@cache
def sections(subject: str) -> Mapping[str, Section]:
    """Return the sections of a subject's file.

    Raises
    ------
    ValueError
        When a template has a field that is no plain name, or a section presents two things.
    """
    path = ROOT / "analysis" / subject / FILE
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _section(f"{subject}.{name}", content) for name, content in found.items()}


def _section(where: str, content: Mapping[str, Any]) -> Section:
    kinds = [kind for kind in KINDS if kind in content]
    if len(kinds) > 1:
        raise ValueError(f"the section {where} presents both a {' and a '.join(kinds)}")
    templates = {key: text for key, text in content.items() if key not in (*KINDS, *DECLARED)}
    for key, template in templates.items():
        fields(template, f"{where}.{key}")
    declared = {key: tuple(content[key]) for key in DECLARED if key in content}
    kind = kinds[0] if kinds else ""
    return Section(templates, kind, content[kind] if kind else "", **declared)


def section(name: str) -> Mapping[str, Template]:
    """Return the templates of a section, named with its subject: ``orders.weekdays``."""
    subject, _, own = name.partition(".")
    if own not in sections(subject):
        raise ValueError(f"analysis/{subject}/{FILE} has no section [{own}]")
    return sections(subject)[own].templates


def fields(template: Template, name: str = "a template") -> set[str]:
    """Return the names of the fields of a template.

    Raises
    ------
    ValueError
        When a field is more than a name.

    Examples
    --------
    >>> sorted(fields("{month} had {orders}")), fields({"one": "{count} order", "other": "-"})
    (['month', 'orders'], {'count'})
    """
    if isinstance(template, Mapping):
        return {"count"}.union(*(fields(text, name) for text in template.values()))
    found = set()
    for _, field, form, conversion in Formatter().parse(template):
        if field is None:
            continue
        if not field.isidentifier() or form or conversion:
            raise ValueError(f"{name}: the field {{{field}}} must be a plain name")
        found.add(field)
    return found


def fill(subject: str, name: str, **values: str | float) -> str:
    """Return a sentence: a template with its fields filled.

    Parameters
    ----------
    subject
        The package whose file holds the template.
    name
        ``section.key``.
    values
        A text for each field. `count` is a number, which chooses the plural form.

    Raises
    ------
    ValueError
        When there is no such template, when a field is missing or is none of the template's, or
        when the step that is running may not fill this section.
    """
    own, _, key = name.partition(".")
    allowed = _allowed.get()
    if allowed is not None and f"{subject}.{own}" not in allowed:
        raise ValueError(f"this step fills '{subject}.{own}', which it does not declare")
    template = section(f"{subject}.{own}").get(key)
    if template is None:
        raise ValueError(f"analysis/{subject}/{FILE} has no {key} in [{own}]")
    asked = fields(template)
    if asked != set(values):
        wrong = [f"{field} is missing" for field in sorted(asked - set(values))]
        wrong += [f"{field} is no field" for field in sorted(set(values) - asked)]
        raise ValueError(f"{subject}.{name}: {', '.join(wrong)}")
    if isinstance(template, Mapping):
        number = float(values["count"])
        template = template.get(_PLURAL(abs(number))) or template["other"]
    return template.format_map(
        {
            field: value if isinstance(value, str) else count(value)
            for field, value in values.items()
        }
    )


def constant_texts(name: str) -> dict[str, str]:
    """Return the templates of a section that are texts as they stand, by key."""
    return {
        key: template
        for key, template in section(name).items()
        if isinstance(template, str) and not fields(template)
    }


@contextmanager
def only(names: Sequence[str]) -> Iterator[None]:
    """Let `fill` take templates from these sections only: those on which a step depends."""
    before = _allowed.set(tuple(names))
    try:
        yield
    finally:
        _allowed.reset(before)


def place(name: str) -> str:
    """Return the subject whose file has a section; empty if none has."""
    return next((subject for subject in subjects() if name in sections(subject)), "")


def is_known(name: str) -> bool:
    """Tell whether a text (``section.key``) can be made: from that key, or a variant of it.

    Variants of `headline` are called ``headline-…``. A section may also have the words of others.
    """
    own, _, key = name.partition(".")
    subject = place(own)
    if not subject:
        return False
    every = sections(subject)
    known = [key for one in (own, *every[own].also) for key in every[one].templates]
    return any(one == key or one.startswith(f"{key}-") for one in known)
