"""Compute the key of a step: everything that its result depends on, as hashes.

Two runs with the same key give the same tables. The key is kept in parts, so that the reason why
a step runs again can be named.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from analysis.build.small_groups import RULES
from analysis.build.step import PRESENTING, Step
from analysis.core import sentences
from analysis.core.files import file_hash
from analysis.core.paths import ROOT

#: The libraries whose versions can change a result, beside Python itself.
LIBRARIES = (
    "duckdb", "fastexcel", "ibis-framework", "joblib", "numpy", "pandas", "pandera", "pyarrow",
    "pydantic", "scikit-learn", "scipy", "statsmodels", "threadpoolctl",
)  # fmt: skip
#: Those on which only sentences, figures and set tables depend.
PRESENTING_LIBRARIES = ("babel", "great-tables", "matplotlib", "mizani", "plotnine")


def digest(*parts: object) -> str:
    """Return the SHA-256 of what JSON can write; anything else is written as text."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; of one that is not there, an empty text."""
    return file_hash(path) if path.is_file() else ""


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a result depends on."""
    return {"python": platform.python_version(), **{n: metadata.version(n) for n in LIBRARIES}}


@cache
def presenting_versions() -> dict[str, str]:
    """Return the versions of the libraries on which what is presented depends besides."""
    return {name: metadata.version(name) for name in PRESENTING_LIBRARIES}


def key(
    step: Step,
    settings: Any,
    outside: Mapping[str, str],
    upstream: Mapping[str, str],
    root: Path,
    facts: Mapping[str, Any],
) -> dict[str, str]:
    """Return the parts of a step's key.

    Parameters
    ----------
    step
        The step.
    settings
        All settings (`pydantic.BaseModel`); those that the step names count.
    outside
        What the content of each input from outside is known by.
    upstream
        The digest of the key of each step that makes something this one needs.
    root
        The project's folder, in which the data files and our package lie.
    facts
        Those of the steps before; only those that the step names count.
    """
    parts = {
        "declaration": digest(step.run, step.needs, step.makes, step.paths),
        "small groups": digest({name: RULES[name] for name in step.makes if name in RULES}),
        "settings": digest(select_settings(settings.model_dump(mode="json"), step.settings)),
        "inputs": digest({name: outside.get(name) for name in sorted(step.inputs)}),
        "data files": digest({name: file_digest(root / name) for name in step.reads}),
        "code": digest(sources(step.run.partition(":")[0], root)),
        "versions": digest(versions()),
        "steps before": digest(upstream),
    }
    if step.kind:
        parts |= {
            "facts": digest({name: facts.get(name) for name in step.facts}),
            "sentences": digest({name: sentences.section(name) for name in step.says}),
            "code that presents": _presenting_code(step.kind),
            "versions that present": digest(presenting_versions()),
        }
    return parts


@cache
def _presenting_code(kind: str) -> str:
    """Return the digest of the code that writes what steps of a kind give."""
    return digest(sources(PRESENTING[kind].partition(":")[0], ROOT))


# ------------------------------------------------------------------------- settings


def select_settings(settings: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the named sections and keys (``section.key``) of the settings.

    Raises
    ------
    KeyError
        When the settings have no such section or key.
    """
    found: dict[str, Any] = {}
    for name in names:
        section, _, entry = name.partition(".")
        found[name] = settings[section][entry] if entry else settings[section]
    return found


def restrict_settings(settings: Any, names: Collection[str]) -> Any:
    """Return settings that have the named sections and keys only, so that no other can be read."""
    found = SimpleNamespace()
    for name in names:
        section, _, entry = name.partition(".")
        if entry:
            part = found.__dict__.setdefault(section, SimpleNamespace())
            setattr(part, entry, getattr(getattr(settings, section), entry))
        else:
            setattr(found, section, getattr(settings, section))
    return found


# ------------------------------------------------------------------------- source


def sources(module: str, root: Path) -> dict[str, str]:
    """Return the digest of a module's source, and of all our modules that it comes to import.

    Imports inside functions count. Only modules of the same package are followed.

    Parameters
    ----------
    module
        Its full name, such as ``analysis.segments.rfm``.
    root
        The folder in which the package lies.

    Returns
    -------
    dict
        File (from `root`) -> SHA-256.

    Raises
    ------
    ValueError
        When there is no such module, or one imports another by a relative name.
    """
    package = module.partition(".")[0]
    waiting = _files(module, root)
    if not waiting:
        raise ValueError(f"there is no module {module}")
    found: dict[str, str] = {}
    followed: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            content = (root / name).read_bytes()
            found[name] = hashlib.sha256(content).hexdigest()
            for imported in _cached_imports(content, name):
                if imported not in followed and imported.partition(".")[0] == package:
                    followed.add(imported)
                    waiting += _files(imported, root)
    return found


@cache
def _cached_imports(content: bytes, name: str) -> tuple[str, ...]:
    return tuple(_imports(content, name))


def _imports(content: bytes, name: str) -> Iterator[str]:
    """Yield the names that a source imports; ``from a import b`` may mean the module a.b."""
    for node in _statements(ast.parse(content)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{name} imports by a relative name: use the full one")
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements within a node; no expression, which would take most of the time."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        part = getattr(node, name, None)
        for child in part if isinstance(part, list) else ():
            yield child
            yield from _statements(child)


def _files(module: str, root: Path) -> list[str]:
    """Return the file of a module, and those of the packages around it; none if it is no module."""
    # As text until the end: a plan asks for thousands of modules, and joining paths is slow.
    parts = module.split(".")
    own = [f"{'/'.join(parts)}.py", f"{'/'.join(parts)}/__init__.py"]
    around = [f"{'/'.join(parts[:n])}/__init__.py" for n in range(1, len(parts))]
    present = [name for name in own if Path(f"{root}/{name}").is_file()]
    return present and present + [name for name in around if Path(f"{root}/{name}").is_file()]
