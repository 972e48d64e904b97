"""Make an environment for the peers, which need an older pandas than the report's lock file has."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

PINS = Path(__file__).with_name("peers.txt")
#: Inside the project's environment: not under version control, and gone when that is made anew.
FOLDER = PINS.parents[1] / ".venv" / "peers"


def interpreter() -> Path | None:
    """Return the peers' Python, making its environment when there is none with these pins.

    Returns
    -------
    Path or None
        None where the packages cannot be had.
    """
    python = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made_of = FOLDER / PINS.name
    if made_of.exists() and made_of.read_text() == PINS.read_text():
        return python
    print(f"Installing the peers into {FOLDER.relative_to(PINS.parents[1])} (once)", flush=True)
    try:
        venv.create(FOLDER, clear=True, with_pip=True)
        # All that is needed is pinned, so nothing else may come along.
        subprocess.run(
            [
                python,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--only-binary=:all:",
                "--retries=1",
                "--requirement",
                PINS,
            ],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    made_of.write_text(PINS.read_text())
    return python
