"""Define what a step of the build is, and put steps in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

#: What a step needs that needs the facts of all others.
FACTS = "facts"


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
        The tables that it can make. Which of them it does make depends on the data.
    settings
        The sections and keys of the settings that it reads, such as ``report.smallest_group``.
        It sees no others.
    reads
        Data files that it reads, as paths from the project's folder.
    paths
        Those of the needed tables that the function takes as a path, because it opens them itself.
    """

    name: str
    run: str
    needs: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

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

    Raises
    ------
    ValueError
        As in `makers`; or when steps need each other in a circle.

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
    return list(TopologicalSorter(graph).static_order())


def upstream_steps(step: Step, steps: Iterable[Step], maker: Mapping[str, Step]) -> list[Step]:
    """Return the steps that make what a step needs."""
    if FACTS in step.inputs:
        return [other for other in steps if FACTS not in other.inputs]
    return list(dict.fromkeys(maker[need] for need in step.inputs if need in maker))
