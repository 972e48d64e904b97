"""Let a chapter's kernel start without the libraries that Quarto would load for plots.

Quarto's first cell imports matplotlib and pandas to set their options, and passes over a library
that is not there. Chapters use neither, and each of them starts a kernel for each format. So they
are not there until that cell has run; then any cell may import them. The kernel runs this file
because ``_environment`` names it in PYTHONSTARTUP.
"""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.getipython import get_ipython


def hide_until_first_cell(names: tuple[str, ...], shell: Any, modules: dict[str, Any]) -> None:
    """Make libraries impossible to import until the first cell has run.

    Parameters
    ----------
    names
        Of the libraries.
    shell
        The kernel's shell. Its first cell forgets all names, so what follows keeps its own.
    modules
        ``sys.modules``: None there means that a library cannot be imported.
    """
    hidden = [name for name in names if name not in modules]

    def show() -> None:
        for name in hidden:
            if name in modules and modules[name] is None:
                del modules[name]
        shell.events.unregister("post_execute", show)

    modules.update(dict.fromkeys(hidden))
    shell.events.register("post_execute", show)


if shell := get_ipython():
    hide_until_first_cell(("matplotlib", "pandas"), shell, sys.modules)
