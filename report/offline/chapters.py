"""What does a chapter say once its cells have run?"""

import ast
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import yaml
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell

INLINE = re.compile(r"`\{python\}\s+([^`]+)`")
QUIET = ["--log-level=ERROR"]  # the kernel warns of unencrypted talk with this very machine
VALUE = "(lambda value: value if hasattr(value, '_repr_markdown_') else str(value))({})"


def run_chapter(source: Path, root: Path) -> str:
    """Execute a ``.qmd`` file in its own kernel, in the folder ``root``; return plain Markdown."""
    header, text = re.findall(r"\A(?:---\n(.*?\n)---\n)?(.*)", source.read_text("utf-8"), re.S)[0]
    title = (yaml.safe_load(header) or {}).get("title")
    parts = [f"# {title}"] if title else []
    notebook = jupytext.reads(text, fmt="Rmd")
    # Without folders to look in, the kernel is the interpreter that runs this very program.
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    where = {"metadata": {"path": str(root)}}
    client = NotebookClient(notebook, km=kernel, timeout=None, resources=where, extra_arguments=QUIET)
    with client.setup_kernel(cleanup_kc=True):
        for number, cell in enumerate(list(notebook.cells), start=1):
            lines = re.findall(r"^#\|(.*\n?)", cell.source, flags=re.M)
            options = yaml.safe_load("".join(lines)) or {} if cell.cell_type == "code" else {}
            try:
                if cell.cell_type == "code":
                    parts.append(_output(client.execute_cell(cell, 0).outputs, options))
                else:
                    parts.append(INLINE.sub(lambda found: _value(client, found[1]), cell.source))
            except CellExecutionError as error:
                place = f"{source.relative_to(root)}, block {options.get('label', number)}"
                raise RuntimeError(f"{place}: {error.ename}: {error.evalue}") from error
    return "\n\n".join(parts)


def _value(client: NotebookClient, expression: str) -> str:
    """Return Markdown that shows an inline value as it is, unless the value is Markdown."""
    outputs = client.execute_cell(new_code_cell(VALUE.format(expression)), 0).outputs
    data = next(output.data for output in outputs if output.output_type == "execute_result")
    if "text/markdown" in data:
        return data["text/markdown"]
    plain = re.sub(r"[ \t\r\n\f\v]+", " ", ast.literal_eval(data["text/plain"]))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", plain)


def _output(outputs: list[Any], options: dict[str, Any]) -> str:
    """Return what a cell adds to its chapter; its warnings go to the terminal."""
    shown = []
    for output in outputs:
        data = output.get("data", {"text/plain": output.get("text")})
        if output.get("name") == "stderr":
            print(output.text, end="", file=sys.stderr)
        elif options.get("output") == "asis" or "text/markdown" in data:
            shown.append(data.get("text/markdown", data["text/plain"]))
        else:
            shown.append(f"``````\n{data['text/plain']}\n``````")
    return "" if False in (options.get("include"), options.get("output")) else "\n\n".join(shown)
