"""Make Matplotlib's SVG small and fit for a page: what a reader does not see goes.

Matplotlib names every group, writes six decimals, repeats the typeface at each word, and sets a
style for every element (``*``), which inside a page would be every element of the page.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from analysis.core.palette import INK, PALETTE

NAMESPACE = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
TYPEFACE = "IBM Plex Sans"
_COLOURS = {light for light, _ in PALETTE.values()}
_NUMBER = re.compile(r"-?\d+\.\d+")
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_EMPTY = {"g", "defs"}
_WORDS = {"text", "tspan"}


def compact(svg: bytes) -> bytes:
    r"""Return the same picture in fewer bytes; a colour outside the palette is a ValueError.

    Examples
    --------
    >>> group = b'<g id="a"><path d="M 1.23456 0 L 2 0"/></g>'
    >>> compact(b'<svg xmlns="http://www.w3.org/2000/svg">' + group + b"</svg>").decode()[-30:]
    '<path d="M1.23 0L2 0"/></svg>\n'
    """
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        element.text = _kept_spaces(element.text or "") if element.tag in _WORDS else None
        element.tail = None
    used = {name for element in root.iter() for name in _references(element)}
    _tidy(root, used)
    root.attrib = {
        "xmlns": NAMESPACE,
        **{
            name: root.attrib[name]
            for name in ("width", "height", "viewBox")
            if name in root.attrib
        },
        "style": f"fill:{INK};font-family:'{TYPEFACE}',sans-serif;stroke-linejoin:round",
    }
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True).replace(" />", "/>")
    if strange := sorted(set(_COLOUR.findall(text)) - _COLOURS):
        raise ValueError(f"Colours outside the palette: {', '.join(strange)}")
    return f"{text}\n".encode()


def sparkline(values: Sequence[float]) -> str:
    """Return a line with a dot at its end, from zero up, in the colour of the text beside it.

    Examples
    --------
    >>> sparkline([1.0, 2.0]).partition('"M')[2].partition('"')[0]
    '4 14L116 4'
    >>> sparkline([3.0])
    ''
    """
    top = max(values, default=0.0)
    if len(values) < 2 or top <= 0:
        return ""
    points = [
        (f"{4 + 112 * place / (len(values) - 1):.4g}", f"{24 - 20 * max(value, 0.0) / top:.3g}")
        for place, value in enumerate(values)
    ]
    line = "L".join(f"{x} {y}" for x, y in points)
    return (
        f'<svg xmlns="{NAMESPACE}" viewBox="0 0 120 28"><path d="M{line}" fill="none" '
        f'stroke="currentColor" stroke-width="2"/><circle cx="{points[-1][0]}" '
        f'cy="{points[-1][1]}" r="3" fill="currentColor"/></svg>'
    )


def _kept_spaces(text: str) -> str:
    """Keep spaces at the ends, which SVG drops and labels use for their distance from a mark."""
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" ")) if inner else 0
    return "\u00a0" * before + inner + "\u00a0" * (len(text) - len(inner) - before)


def _references(element: ET.Element) -> list[str]:
    found = [element.get(LINK, "").removeprefix("#")]
    return found + re.findall(r"url\(#([^)]+)\)", " ".join(element.attrib.values()))


def _tidy(parent: ET.Element, used: set[str]) -> None:
    """Shorten the children; groups that say nothing give way to what they hold."""
    kept: list[ET.Element] = []
    for child in parent:
        if child.tag in ("metadata", "style"):
            continue
        _tidy(child, used)
        _shorten(child, used)
        if (child.tag in _EMPTY and not len(child)) or (child.tag == "path" and _is_point(child)):
            continue
        kept.extend(child if child.tag == "g" and not child.attrib else [child])
    parent[:] = kept


def _is_point(path: ET.Element) -> bool:
    """Tell whether a path draws nothing; keys of a legend have such lines, in any colour."""
    return not set("LCQz") & set(path.get("d", ""))


def _shorten(element: ET.Element, used: set[str]) -> None:
    given = dict(element.attrib)
    if given.get("id") not in used:
        given.pop("id", None)
    if LINK in given:
        given["href"] = given.pop(LINK)
    if "style" in given:
        given["style"] = _style(given["style"])
    if "d" in given:
        given["d"] = re.sub(r" ?([MLCQZz]) ?", r"\1", " ".join(given["d"].split()))
    given["transform"] = re.sub(r"rotate\(-0 [^)]*\)", "", given.get("transform", "")).strip()
    element.attrib = {
        name: _NUMBER.sub(_round, value) for name, value in given.items() if value != ""
    }


def _style(text: str) -> str:
    pairs = [part.split(":", 1) for part in text.split(";") if part.strip()]
    style = {name.strip(): value.strip() for name, value in pairs}
    style.pop("font-family", None)
    return ";".join(f"{name}:{value.replace('#000000', INK)}" for name, value in style.items())


def _round(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), 2):g}" if abs(float(found[0])) < 10_000 else found[0]
