"""Build, render and publish the report, with Quarto if it is there, else with libraries.

``python -m report`` holds the lock of the release store until the report is published. Where the
caller names the build (REPORT_BUILD), it only renders. It takes Quarto from the PATH; else it
tries once to install it with pip into this environment (that package downloads the program itself,
which a closed network prevents); else it renders the same chapters without it, by
`report.offline`, and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from analysis import __main__ as command
from analysis.core.files import MANIFEST, read_json
from analysis.core.paths import ROOT
from analysis.core.problems import Refused
from analysis.release import open_store
from analysis.release.refresh import REPORT_BUILD
from report import prepare, publish

OLDEST = (1, 9, 17)  # the first Quarto that makes a PDF of a book with Typst
PINNED = "quarto-cli==1.10.19"
# One try: a network that is closed today will most likely be closed tomorrow.
TRIED = Path(sys.prefix) / ".quarto-was-tried"
#: What the path without Quarto needs, and the lock file that pins it.
OFFLINE = ("jupytext", "pypandoc", "typst")
OFFLINE_LOCK = "requirements-offline.lock"


def main() -> int:
    """Build, render and publish; return the exit code."""
    if os.environ.get(REPORT_BUILD):
        return render()
    try:
        with open_store(ROOT):
            if code := command.main(["build"]):
                return code
            os.environ[REPORT_BUILD] = str(read_json(ROOT / "build" / MANIFEST)["key"])
            return render() or publish.publish()
    except Refused as error:
        _say(f"Not rendered: {error}")
        return 1


def render() -> int:
    """Render the book from the build that is there; return the exit code."""
    os.environ["QUARTO_PYTHON"] = sys.executable
    if quarto := find_quarto():
        return subprocess.run([quarto, "render"], cwd=ROOT, check=False).returncode
    _say(
        "Quarto is not available here, so the same chapters are rendered without it, as one HTML "
        "page and one PDF. With Quarto (https://quarto.org) the report becomes a web site with "
        "search."
    )
    try:
        _install_offline()
        from report import offline  # not installed where Quarto is found

        if code := prepare.main():
            return code
        offline.render(ROOT, ROOT / "_book")
    except (OSError, RuntimeError) as error:
        _say(f"Not rendered: {error}")
        return 1
    return publish.main()


def find_quarto() -> str | None:
    """Return a Quarto that is new enough: from the PATH, this environment, or pip."""
    inside = Path(sys.executable).with_name("quarto")
    for candidate in (shutil.which("quarto"), str(inside) if inside.is_file() else None):
        if candidate and (version := _version(candidate)):
            if version >= OLDEST:
                return candidate
            _say(f"{candidate} is older than {'.'.join(map(str, OLDEST))}, which the PDF needs.")
    if TRIED.exists():
        return None
    TRIED.touch()
    _say(f"Trying to install {PINNED} (once; 'make clean' forgets that it was tried)")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", PINNED]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == 0 and _version(str(inside)):
        return str(inside)
    return None


def _install_offline() -> None:
    """Install what the path without Quarto needs, where it is missing.

    Raises
    ------
    RuntimeError
        When pip cannot install it.
    """
    if all(find_spec(name) for name in OFFLINE):
        return
    _say("Installing the libraries that render the report without Quarto (once)")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--requirement", str(ROOT / OFFLINE_LOCK)]
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"pip could not install {OFFLINE_LOCK}; see its message above.")


def _version(quarto: str) -> tuple[int, ...] | None:
    try:
        text = subprocess.run(
            [quarto, "--version"], capture_output=True, text=True, check=True, timeout=120
        ).stdout
        return tuple(int(number) for number in text.strip().split(".")[:3])
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
