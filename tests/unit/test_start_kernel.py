"""Test that libraries are hidden from the first cell of a chapter's kernel, and from it alone."""

from __future__ import annotations

import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from report.start_kernel import hide_until_first_cell

CELL = "try:\n    import colorsys\n    found = True\nexcept ImportError:\n    found = False"


def test_a_library_is_hidden_until_the_first_cell_has_run() -> None:
    shell: Any = InteractiveShell()
    own = sys.modules.pop("colorsys", None)
    try:
        hide_until_first_cell(("colorsys", "sys"), shell, sys.modules)
        assert sys.modules["sys"] is sys  # what is loaded already stays
        shell.run_cell(CELL)
        assert shell.user_ns["found"] is False
        shell.reset()
        shell.run_cell(CELL)
        assert shell.user_ns["found"] is True
    finally:
        if own is not None:
            sys.modules["colorsys"] = own
