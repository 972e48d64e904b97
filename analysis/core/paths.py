"""Name the folder of the project.

Apart from the settings: a chapter needs the folder, and not the libraries that check settings.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
