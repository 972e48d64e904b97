"""Name the two inputs: orders and regular customers."""

from __future__ import annotations

from typing import Literal

Half = Literal["ledger", "activity"]
LEDGER: Half = "ledger"
ACTIVITY: Half = "activity"
#: Lists of what a customer may buy next: products bought before, and products never bought.
REORDER, CROSS_SELL = "reorder", "new to the customer"
#: The verdict of an action that loses money, or does harm: nothing recommends it.
LOSES = "does not pay"
