"""Choose the faults that a drill injects, and its made-up shops: a sample, or all of them.

``make drills`` draws a seed and prints it; ``SEED`` repeats a draw, ``ALL=1`` injects every fault.
This module loads nothing that has threads: drills fork.
"""

from __future__ import annotations

import os
import random

SEED = os.environ.get("SEED", "0")
ALL = os.environ.get("ALL", "") not in ("", "0")
#: So many made-up shops or years show what holds over chance: enough for the bounds that are asked.
SHOPS = 200 if ALL else 100


def sample(most: int, step: int, of: str) -> range:
    """Return the numbers of the faults to inject: every step-th from a random one on, or all.

    Parameters
    ----------
    most
        No fault has a higher number.
    step
        How many faults there are to each one that is injected.
    of
        What the faults are of: different drills draw different ones.
    """
    return range(1, most, 1) if ALL else range(1 + drawn(of).randrange(step), most, step)


def drawn(of: str) -> random.Random:
    """Return a source of chance that the seed and a drill's name fix."""
    return random.Random(f"{SEED} {of}")
