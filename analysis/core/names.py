"""Name the two inputs: orders and regular customers."""

from __future__ import annotations

from typing import Literal

Half = Literal["ledger", "activity"]
LEDGER: Half = "ledger"
ACTIVITY: Half = "activity"
