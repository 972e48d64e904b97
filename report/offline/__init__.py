"""How does the book render where Quarto cannot be had?

Each chapter runs once. Pandoc joins them, ``book.lua`` numbers and links what they say, and the
result is written twice: as one HTML page that needs no other file, and as a PDF.
"""

import re
import subprocess
import tempfile
from pathlib import Path

import matplotlib
import pypandoc
import typst
import yaml

from .chapters import run_chapter

HERE = Path(__file__).parent
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")  # DejaVu has arrows and currencies


def render(root: Path, out: Path) -> tuple[Path, Path]:
    """Render the book of the project ``root`` as a page and a PDF in the folder ``out``.

    Files published there before stay as they are until both new ones are complete. What is wrong
    with a chapter is raised as a RuntimeError that says it in one sentence.
    """
    root, out = root.resolve(), out.resolve()
    config = yaml.safe_load((root / "_quarto.yml").read_text("utf-8"))
    book = config["book"]
    for extra in (root / name for name in config.get("metadata-files", [])):
        more = yaml.safe_load(extra.read_text("utf-8")) if extra.exists() else {}
        book |= more | more.get("book", {})
    footer = book.get("page-footer", "")
    book["page-footer"] = footer if isinstance(footer, dict) else {"center": footer}
    names = book["chapters"] + book.get("appendices", [])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".offline-", dir=out.parent) as temporary:
        folder = Path(temporary)
        (folder / "book.yml").write_text(yaml.safe_dump(config | book), "utf-8")
        for number, name in enumerate(names, start=1):
            print(f"[{number}/{len(names)}] {name}", flush=True)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            mark = "::: appendices\n:::\n\n" if number == len(book["chapters"]) + 1 else ""
            (folder / name).write_text(mark + run_chapter(root / name, root), "utf-8")
        print("Writing the page and the PDF", flush=True)
        page, pdf = folder / "index.html", folder / f"{book.get('output-file', 'report')}.pdf"
        page.write_text(_pandoc("html", names, folder, root), "utf-8")
        source = _pandoc("typst", names, folder, root).encode()
        about = {"title": book["title"], "author": book["author"]}
        typst.compile(source, pdf, root=root, font_paths=[FONTS], sys_inputs=about)
        return page.replace(out / page.name), pdf.replace(out / pdf.name)


def _pandoc(target: str, names: list[str], folder: Path, root: Path) -> str:
    """Join the chapters in one document; a warning is a failure, as a reader would see it."""
    command = [pypandoc.get_pandoc_path(), *names, "--file-scope", "--fail-if-warnings"]
    command += ["--from=markdown-yaml_metadata_block+rebase_relative_paths", f"--to={target}"]
    command += ["--metadata-file=book.yml", f"--resource-path={root}", "--toc", "--toc-depth=2"]
    command += ["--mathml", f"--template={HERE}/book.{target}"]
    command += [f"--lua-filter={HERE}/book.lua", "--citeproc"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if done.returncode:
        told = re.search(r"(?:Error running filter.*\n|\[WARNING\] )(.+)", done.stderr)
        raise RuntimeError(told[1] if told else done.stderr.strip())
    return done.stdout
