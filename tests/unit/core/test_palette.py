"""Test the palette: readable, light and dark; told apart by all; the same in the theme."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from analysis.core.palette import AROUND, INK, PALETTE, PAPER, SERIES, SHADES, ink_on
from analysis.core.paths import ROOT

MODES = {"light": 0, "dark": 1}
# How eyes with and without each kind of colour blindness see linear RGB (Machado and others, 2009).
EYES = {
    "all colours": np.eye(3),
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
NAMES = {light: name for name, (light, _) in PALETTE.items()}


def linear(colour: str) -> np.ndarray:
    part = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, eye: str) -> np.ndarray:
    seen = np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.array(to_xyz) @ seen / [0.95047, 1, 1.08883]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def in_mode(light: str, mode: str) -> str:
    return PALETTE[NAMES[light]][MODES[mode]]


@pytest.mark.parametrize("mode", MODES)
def test_text_and_marks_stand_out_from_the_page(mode: str) -> None:
    paper = PALETTE["paper"][MODES[mode]]
    for name in ("ink", "soft"):
        assert contrast(PALETTE[name][MODES[mode]], paper) >= 4.5, name
    for light in SERIES:
        assert contrast(in_mode(light, mode), paper) >= 3, NAMES[light]


@pytest.mark.parametrize("mode", MODES)
def test_numbers_can_be_read_on_every_tile(mode: str) -> None:
    for tile in {*SHADES, *AROUND}:
        found = contrast(in_mode(ink_on(tile), mode), in_mode(tile, mode))
        assert found >= 4.5, (NAMES[tile], found)
        other = INK if ink_on(tile) == PAPER else PAPER
        assert found > contrast(in_mode(other, mode), in_mode(tile, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("eye", EYES)
def test_series_are_told_apart_by_every_eye(mode: str, eye: str) -> None:
    for one, other in itertools.combinations(SERIES, 2):
        apart = np.linalg.norm(lab(in_mode(one, mode), eye) - lab(in_mode(other, mode), eye))
        assert apart >= 20, (NAMES[one], NAMES[other])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("eye", EYES)
def test_shades_go_one_way(mode: str, eye: str) -> None:
    light = [lab(in_mode(shade, mode), eye)[0] for shade in SHADES]
    steps = np.diff(light) * (-1 if mode == "light" else 1)
    assert (steps > 3).all()


def test_the_theme_has_the_same_colours() -> None:
    style = (ROOT / "report/theme/report.css").read_text("utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", style)
    theme = {name: (light, dark) for name, light, dark in found}
    assert {name: theme.get(name) for name in PALETTE} == PALETTE
    for mode, place in MODES.items():
        assert contrast(theme["link"][place], PALETTE["paper"][place]) >= 4.5, mode
        assert contrast(theme["soft"][place], theme["panel"][place]) >= 4.5, mode


@pytest.mark.parametrize("mode", MODES)
def test_code_can_be_read(mode: str) -> None:
    style = (ROOT / f"report/theme/{mode}.scss").read_text("utf-8")
    value = dict(re.findall(r"^\$([\w-]+): (#\w{6})", style, re.M))
    assert contrast(value["code-color"], value["code-bg"]) >= 4.5
    assert (value["body-color"], value["body-bg"]) == tuple(
        PALETTE[name][MODES[mode]] for name in ("ink", "paper")
    )
