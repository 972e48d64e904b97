"""Define what a step of the build is, and put steps in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Literal

#: What a step needs that needs the facts of all others.
FACTS = "facts"
#: What writes that which steps of each kind give.
PRESENTING = {
    kind: f"analysis.build.presenting:write_{kind}" for kind in ("text", "figure", "table", "cards")
}


@dataclass(frozen=True)
class Step:
    """One step of a build, declared.

    Attributes
    ----------
    name
        What the step does; progress, manifest and ``build --explain`` call it so.
    run
        ``module:function``. The function takes each need by its name (without a folder), and what
        else it names: `settings`, `progress`, and `scratch`, an empty folder. It returns a pair:
        tables by name (a data frame, or a Parquet file in `scratch`), and facts. It is imported
        only when the step runs.
    needs
        Tables of other steps, inputs from outside, and `FACTS`: all facts of all steps that do not
        need them. A step is left out when one of them is not there. One that ends in "?" may be
        missing; the function gets None for it.
    makes
        What it can make: tables, and files of any other kind, which are named with their suffix
        (``figures/week.svg``). Which of them it does make depends on the data.
    settings
        The sections and keys of the settings that it reads, such as ``report.smallest_group``.
        It sees no others.
    reads
        Data files that it reads, as paths from the project's folder.
    paths
        Those of the needed tables that the function takes as a path, because it opens them itself.
    kind
        Empty for a step that computes. Else what it presents: ``text``, ``figure``, ``table`` or
        ``cards``. It runs after all that compute, beside others of its kind, and no step may need
        what it makes.
    facts
        Facts that a presenting step reads. The function takes each by the last part of its name:
        ``report.currency`` as `currency`, which is None where no step gives that fact.
    says
        Sections of sentences (``orders.week``) that a presenting step may fill. It may fill no
        others.
    """

    name: str
    run: str
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    kind: Literal["", "text", "figure", "table", "cards"] = ""
    facts: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    @property
    def inputs(self) -> dict[str, bool]:
        """Return what the step needs, and whether it cannot do without."""
        return {need.removesuffix("?"): not need.endswith("?") for need in self.needs}


def makers(steps: Iterable[Step]) -> dict[str, Step]:
    """Return the step that makes each table.

    Raises
    ------
    ValueError
        When two steps make the same table, or have the same name.
    """
    found: dict[str, Step] = {}
    names: set[str] = set()
    for step in steps:
        if step.name in names:
            raise ValueError(f"two steps are called '{step.name}'")
        names.add(step.name)
        for table in step.makes:
            if table in found:
                raise ValueError(f"'{found[table].name}' and '{step.name}' both make '{table}'")
            found[table] = step
    return found


def sort_steps(steps: Iterable[Step]) -> list[Step]:
    """Return the steps so that each comes after those that make what it needs.

    Those that present come last.

    Raises
    ------
    ValueError
        As in `makers`; when steps need each other in a circle; or when one needs what another
        presents.

    Examples
    --------
    >>> report = Step("report", "m:report", needs=("customers",))
    >>> read = Step("read", "m:read", needs=("files",), makes=("customers",))
    >>> [step.name for step in sort_steps([report, read])]
    ['read', 'report']
    """
    steps = list(steps)
    maker = makers(steps)
    graph = {step: upstream_steps(step, steps, maker) for step in steps}
    for step, earlier in graph.items():
        if shown := next((other for other in earlier if other.kind), None):
            raise ValueError(f"'{step.name}' needs what '{shown.name}' presents")
    return sorted(TopologicalSorter(graph).static_order(), key=lambda step: bool(step.kind))


def upstream_steps(step: Step, steps: Iterable[Step], maker: Mapping[str, Step]) -> list[Step]:
    """Return the steps that make what a step needs."""
    found = [maker[need] for need in step.inputs if need in maker]
    if FACTS in step.inputs:
        found += [s for s in steps if not s.kind and (step.kind or FACTS not in s.inputs)]
    return list(dict.fromkeys(found))
