"""Render the book without Quarto from the command line: ``python -m report.offline``."""

import argparse
from pathlib import Path

from . import render

parser = argparse.ArgumentParser(prog="python -m report.offline", description=__doc__)
parser.add_argument("--root", type=Path, default=Path(), help="the project (default: here)")
parser.add_argument("--out", type=Path, help="where to publish (default: ROOT/_site)")
options = parser.parse_args()
try:
    print("Rendered", *render(options.root, options.out or options.root / "_site"))
except (OSError, RuntimeError) as error:
    raise SystemExit(f"Not rendered: {error}") from error
