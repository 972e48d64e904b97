"""Name the colours of the report, each with its value on a light page and on a dark one.

Pictures are drawn in the light values. Where a page shows a picture, `report/theme/pictures.lua`
puts the variable of the theme in place of each value, so one drawing serves both.
`report/theme/report.css` holds the same values; a test compares them.
"""

from __future__ import annotations

#: Name -> value on a light page, value on a dark page.
PALETTE: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#171d23"),
    "ink": ("#22303c", "#dde4ea"),
    "soft": ("#566573", "#a9b6c1"),
    "muted": ("#7d8a96", "#8794a0"),
    "faint": ("#dfe5ea", "#303a44"),
    "primary": ("#2f6690", "#7db4dd"),
    "pale": ("#b3c9da", "#3f6080"),
    "accent": ("#c4532d", "#f2936b"),
    "accent-pale": ("#e6b8a5", "#8a4b36"),
    # Tiles, from little to much. Up to the fourth, numbers on them are in ink; beyond, in paper.
    "shade-0": ("#f3f6f9", "#1e262e"),
    "shade-1": ("#dce7f0", "#24384a"),
    "shade-2": ("#bcd2e3", "#2b4a66"),
    "shade-3": ("#96b8d1", "#335d82"),
    "shade-4": ("#3f76a3", "#6fa6d0"),
    "shade-5": ("#2a5b88", "#94c1e4"),
    "shade-6": ("#17406a", "#bddcf5"),
    # Tiles below the middle, where there is one.
    "below-1": ("#f2d5c9", "#45302a"),
    "below-2": ("#dd9f86", "#7a4330"),
    "below-3": ("#a5431f", "#f0a07c"),
}

PAPER, INK, SOFT, MUTED, FAINT, PRIMARY, PALE, ACCENT, ACCENT_PALE = (
    PALETTE[name][0]
    for name in (
        "paper",
        "ink",
        "soft",
        "muted",
        "faint",
        "primary",
        "pale",
        "accent",
        "accent-pale",
    )
)
#: Tell up to four things apart, in this order, also for readers who are colour-blind.
SERIES = (PRIMARY, ACCENT, MUTED, INK)
#: Shades of tiles, from little to much.
SHADES = tuple(PALETTE[f"shade-{step}"][0] for step in range(7))
#: Shades of tiles around a middle: below it, at it, above it.
AROUND = tuple(
    PALETTE[name][0]
    for name in ("below-3", "below-2", "below-1", "shade-0", "shade-2", "shade-3", "shade-5")
)
_DARK_TILES = {PALETTE[name][0] for name in ("shade-4", "shade-5", "shade-6", "below-3")}


def ink_on(tile: str) -> str:
    """Return the colour of a number on a tile.

    Examples
    --------
    >>> ink_on(SHADES[0]) == INK, ink_on(SHADES[6]) == PAPER
    (True, True)
    """
    return PAPER if tile in _DARK_TILES else INK
