"""Render the book without Quarto: run each chapter once, and join them with Pandoc."""

import ast
import base64
import logging
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import pypandoc
import typst
import yaml
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.client import CellExecutionError, NotebookClient, NotebookNode
from nbformat.v4 import new_code_cell

THEME = Path(__file__).resolve().parent.parent / "theme"
INLINE = re.compile(r"`\{python\}\s+([^`]+)`")
VALUE = "(lambda value: value if hasattr(value, '_repr_markdown_') else str(value))({})"


def render(root: Path, out: Path) -> tuple[Path, Path]:
    """Render the book of the project ``root`` as a page and a PDF in the folder ``out``.

    What stood there stays until both are complete; a failure is a RuntimeError of one sentence.
    """
    root, out = root.resolve(), out.resolve()
    config = yaml.safe_load((root / "_quarto.yml").read_text("utf-8"))
    book = config["book"]
    for extra in (root / name for name in config.get("metadata-files", [])):
        more = yaml.safe_load(extra.read_text("utf-8")) if extra.exists() else {}
        listed = book["chapters"] + more.get("book", {}).get("chapters", [])
        book |= more | more.get("book", {}) | {"chapters": listed}
    footer = book.get("page-footer", "")
    book["page-footer"] = footer if isinstance(footer, dict) else {"center": footer}
    names = list(chapters := _contents(book))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".offline-", dir=out.parent) as temporary:
        folder = Path(temporary)
        (folder / "book.yml").write_text(yaml.safe_dump(config | book), "utf-8")
        (folder / "style.html").write_text(f"<style>{_style()}</style>", "utf-8")
        for number, (name, mark) in enumerate(chapters.items(), start=1):
            print(f"[{number}/{len(names)}] {name}", flush=True)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(mark + _run(root / name, root), "utf-8")
        page, pdf = folder / "index.html", folder / f"{book.get('output-file', 'report')}.pdf"
        page.write_text(_pandoc("html", names, folder, root), "utf-8")
        source = (THEME / "book.typ").read_text("utf-8") + _pandoc("typst", names, folder, root)
        about = {"title": book["title"], "author": book["author"]}
        paths: Any = {"root": root, "font_paths": [THEME / "fonts"]}
        typst.compile(source.encode(), pdf, **paths, sys_inputs=about)
        out.mkdir(exist_ok=True)
        return page.replace(out / page.name), pdf.replace(out / pdf.name)


def _contents(book: dict[str, Any]) -> dict[str, str]:
    """Return the chapters, each with the mark that it begins a part, if it does."""
    parts = [one if isinstance(one, dict) else {"chapters": [one]} for one in book["chapters"]]
    parts.append({"part": "Appendices", "chapters": book.get("appendices", [])})
    marks: dict[str, str] = {}
    for part in parts:
        kind = "appendices" if part is parts[-1] else "part"
        mark = f'::: {{.{kind} part="{part["part"]}"}}\n:::\n\n' if "part" in part else ""
        marks |= {name: mark * (name == part["chapters"][0]) for name in part["chapters"]}
    return marks


def _run(chapter: Path, root: Path) -> str:
    """Execute a ``.qmd`` file in a kernel of its own and return it as plain Markdown."""
    header, text = re.findall(r"\A(?:---\n(.*?\n)---\n)?(.*)", chapter.read_text("utf-8"), re.S)[0]
    parts = [f"# {title}"] if (title := (yaml.safe_load(header) or {}).get("title")) else []
    notebook = jupytext.reads(text, fmt="Rmd")
    client = NotebookClient(notebook, resources={"metadata": {"path": str(root)}}, timeout=None)
    logging.getLogger("tornado.general").setLevel(logging.CRITICAL)  # a last message may be lost
    # Without folders to look in, the kernel is the interpreter that runs this very program.
    client.km = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    with client.setup_kernel():
        for number, cell in enumerate(list(notebook.cells), start=1):
            options = yaml.safe_load("".join(re.findall(r"^#\|(.*\n?)", cell.source, re.M))) or {}
            try:
                if cell.cell_type == "code":
                    parts.append(_output(client.execute_cell(cell, 0).outputs, options))
                else:
                    parts.append(INLINE.sub(lambda found: _value(client, found[1]), cell.source))
            except CellExecutionError as error:
                place = f"{chapter.relative_to(root)}, block {options.get('label', number)}"
                raise RuntimeError(f"{place}: {error.ename}: {error.evalue}") from error
    return "\n\n".join(parts)


def _value(client: NotebookClient, expression: str) -> str:
    """Return Markdown that shows an inline value as it is, unless the value is Markdown."""
    data = client.execute_cell(new_code_cell(VALUE.format(expression)), 0).outputs[-1].data
    if "text/markdown" in data:
        return data["text/markdown"]
    plain = re.sub(r"[ \t\r\n\f\v]+", " ", ast.literal_eval(data["text/plain"]))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", plain)


def _output(outputs: list[NotebookNode], options: dict[str, object]) -> str:
    """Return what a cell printed, as its options say; its warnings go to the terminal."""
    shown = ""
    for output in outputs:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if output.get("name") == "stderr":
            print(text, end="", file=sys.stderr)
        else:
            shown += text if options.get("output") == "asis" else f"``````\n{text}\n``````\n"
    return "" if False in (options.get("include"), options.get("output")) else shown


def _style() -> str:
    """Return the style of the page with its fonts inside."""
    css = "".join((THEME / name).read_text("utf-8") for name in ("report.css", "page.css"))
    for font in set(re.findall(r"fonts/[\w.-]+\.woff2", css)):
        data = base64.b64encode((THEME / font).read_bytes()).decode()
        css = css.replace(font, f"data:font/woff2;base64,{data}")
    return css


def _pandoc(target: str, names: list[str], folder: Path, root: Path) -> str:
    """Join the chapters in one document; a warning is a failure, as a reader would see it."""
    base = Path(__file__).with_name("book")
    command = [pypandoc.get_pandoc_path(), *names, "--file-scope", "--fail-if-warnings"]
    command += ["--from=markdown-yaml_metadata_block+rebase_relative_paths", f"--to={target}"]
    command += ["--metadata-file=book.yml", f"--resource-path={root}", "--toc", "--toc-depth=2"]
    command += ["--metadata=reference-section-title:References", "--metadata=link-citations"]
    command += [f"--template={base}.{target}", f"--lua-filter={THEME / 'pictures.lua'}"]
    command += [f"--lua-filter={base}.lua", "--citeproc", "--mathml"]
    command += ["--include-in-header=style.html", f"--include-after-body={THEME / 'script.html'}"]
    env = os.environ | {"REPORT_ROOT": str(root)}
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env=env)
    if done.returncode:
        told = re.search(r"(?:Error running filter.*\n|\[WARNING\] )(.+)", done.stderr)
        raise RuntimeError(told[1] if told else done.stderr.strip())
    return done.stdout
