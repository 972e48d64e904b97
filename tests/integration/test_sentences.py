"""Test that templates of sentences and the code that fills them fit each other."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest

from analysis.build.presentation import presenting_steps
from analysis.build.steps import COMPARE, STEPS
from analysis.core import sentences
from analysis.core.paths import ROOT
from analysis.core.told_assumptions import SUBJECT

#: What fills a template, or records that it is to be filled.
FILLING = ("say", "fill", "state")
#: Keys that a page places as they are, if they have no fields.
PLACED = {"name", "caption", "alt", "headline", "none"}
#: Keys that an assumption takes as they are, if they have no fields.
ASSUMED = {"value", "source", "fails"}
#: Keys of whole sentences, and keys of what stands alone.
SENTENCES = re.compile(r"(said|caption|alt|none|note|interval|takeaway|fails)(-.+)?")
HEADINGS = re.compile(r"(headline|subtitle|name|legend|label|x|y|value|source)(-.+)?")
TEMPLATES = {
    f"{subject}.{name}.{key}": template
    for subject in sentences.subjects()
    for name, section in sentences.sections(subject).items()
    for key, template in section.templates.items()
}


@cache
def trees(subject: str) -> list[ast.Module]:
    """Return the modules of a subject, or of all if it is empty."""
    paths = sorted((ROOT / "analysis" / subject).rglob("*.py"))
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


@cache
def literals(subject: str) -> set[str]:
    """Return all texts that stand in a subject's code."""
    return {
        node.value
        for tree in trees(subject)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def calls(subject: str) -> Iterator[tuple[str, set[str], bool]]:
    """Yield the template that each call fills, the fields it gives, and whether those are all."""
    for tree in trees(subject):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            given = node.args[node.func.id == "fill" :] if node.func.id in FILLING else []
            if given and isinstance(given[0], ast.Constant):
                names = [keyword.arg for keyword in node.keywords]
                yield str(given[0].value), {n for n in names if n}, None not in names


@pytest.mark.parametrize("subject", sentences.subjects())
def test_every_template_is_used(subject: str) -> None:
    known = literals(subject) | {name for name in literals("") if name.startswith("assumed-")}
    unused = [
        f"{name}.{key}"
        for name, section in sentences.sections(subject).items()
        for key in section.templates
        if f"{name}.{key}" not in known
        and not (
            key in (PLACED | ASSUMED if name.startswith("assumption-") else PLACED)
            and key in sentences.constant_texts(f"{subject}.{name}")
        )
    ]
    assert unused == []


@pytest.mark.parametrize("subject", sentences.subjects())
def test_every_call_gives_the_fields_of_its_template(subject: str) -> None:
    seen = 0
    for name, given, whole in calls(subject):
        of = SUBJECT if name.startswith("assumed-") else subject
        template = TEMPLATES.get(f"{of}.{name}")
        assert template is not None, f"analysis/{subject} fills '{name}', which is no template"
        asked = sentences.fields(template)
        assert given <= asked and (not whole or given == asked), f"{name}: {given} for {asked}"
        seen += 1
    assert seen


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_a_whole_sentence_or_a_heading(name: str) -> None:
    template, key = TEMPLATES[name], name.rpartition(".")[2]
    assumed = name.startswith(f"{SUBJECT}.assumed-") and key != "by-profile"
    forms = [template] if isinstance(template, str) else [*template.values()]
    for form in forms:
        assert form == " ".join(form.split()) and form, "stray white space"
        if assumed or SENTENCES.fullmatch(key):
            assert form[-1] in ".?:", f"'{form}' is no whole sentence"
        elif HEADINGS.fullmatch(key):
            assert form[-1] != ".", f"'{form}' ends like a sentence"
        if not isinstance(template, str):
            assert set(template) == {"one", "other"}


def test_every_section_that_presents_has_a_function_and_what_it_needs() -> None:
    made = {table for step in (*STEPS, COMPARE) if not step.kind for table in step.makes}
    for step in presenting_steps():
        module, _, function = step.run.partition(":")
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        (found,) = [
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.FunctionDef) and node.name == function
        ]
        assert {need.removesuffix("?") for need in step.needs} <= made | {"facts"}, step.name
        wanted = {argument.arg for argument in found.args.args}
        given = {need.removesuffix("?").rpartition("/")[2] for need in step.needs}
        given |= {fact.rpartition(".")[2] for fact in step.facts}
        assert given | ({"settings"} if step.settings else set()) == wanted, step.name


def test_every_takeaway_is_a_sentence_and_points_to_a_section() -> None:
    chapters = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "index.qmd", *(ROOT / "report").glob("*.qmd"))
    )
    content = (ROOT / "report" / "takeaways.toml").read_text(encoding="utf-8")
    for chapter, told in tomllib.loads(content).items():
        file = "index" if chapter.startswith("summary-") else f"report/{chapter}"
        assert (ROOT / f"{file}.qmd").is_file()
        for one in told:
            assert sentences.is_known(one["say"]), one["say"]
            assert f"{{#{one['see']}}}" in chapters or f"{{#{one['see']} " in chapters, one["see"]
