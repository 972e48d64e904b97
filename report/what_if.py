"""Place the sliders of the what-if section: a form, the report's numbers, and a classic script.

The script computes what `analysis.strategy.what_if.gain_of` computes, from aggregates in the page.
"""

from __future__ import annotations

import json
from typing import Any

from analysis.core.files import read_json
from analysis.core.formatting import capital, estimate
from analysis.core.names import LEDGER
from analysis.core.paths import ROOT
from report.page import BUILD, escape, on_the_web, text

SCRIPT = ROOT / "report" / "theme" / "what-if.js"
#: Name, lowest, highest and step of each slider; the first two are shares.
SLIDERS = (
    ("margin", 0.0, 1.0, 0.01),
    ("reach", 0.0, 1.0, 0.01),
    ("uplift", 0.0, 3.0, 0.05),
    ("offer", 0.0, 3.0, 0.05),
)


def show() -> None:
    """Print the sliders and the table of gains; nothing where no gain is stated."""
    told = read_json(BUILD / "what_if.json")
    if not told.get("actions"):
        return
    on_the_web("Sliders for what we assume", "strategy#sec-what-if")
    # Within a script, only this sign could end it.
    data = json.dumps(told, ensure_ascii=True).replace("<", "\\u003c")
    parts = [
        '<div class="what-if" id="what-if">',
        f"<p>{_word('intro')}</p>",
        f"<noscript><p>{_word('script')}</p></noscript>",
        '<form class="what-if-form" hidden>',
        *(
            _slider(*one, start=told.get(one[0], 1.0))
            for one in SLIDERS
            if _matters(one[0], told["actions"])
        ),
        f'<button type="reset">{_word("reset")}</button>',
        "</form>",
        _table(told["actions"], told["currency"]),
        f'<script type="application/json" id="what-if-data">{data}</script>',
        f"<script>\n{SCRIPT.read_text(encoding='utf-8')}</script>",
        "</div>",
    ]
    begin, end = '\n::::: {.content-visible when-format="html"}', ":::::\n"
    print("\n".join([begin, "```{=html}", *parts, "```", end]))


def _word(name: str) -> str:
    return escape(text(f"what-if.{name}"), "html")


def _matters(name: str, actions: list[dict[str, Any]]) -> bool:
    """Tell whether a slider can change a gain: regular customers have no margin, for example."""
    if name == "margin":
        return any(one["half"] == LEDGER for one in actions)
    if name == "reach":
        return any(one["agreed"] < 1 for one in actions)
    return name != "offer" or any(one["offer_cost"] for one in actions)


def _slider(name: str, low: float, high: float, step: float, start: float) -> str:
    return (
        f'<p><label for="what-if-{name}">{_word(name)}</label> '
        f'<output for="what-if-{name}" id="what-if-{name}-is"></output><br>'
        f'<input type="range" id="what-if-{name}" name="{name}" min="{low:g}" max="{high:g}" '
        f'step="{step:g}" value="{start:g}" data-start="{start!r}"></p>'
    )


def _table(actions: list[dict[str, Any]], currency: str) -> str:
    """Return the gains by action, and the sums: orders and regular customers apart."""
    rows = [
        _row(capital(str(one["segment"])), one["expected_profit"], one["half"], currency)
        for one in actions
    ]
    for half, name in ((LEDGER, "total"), ("activity", "totalunits")):
        own = [one["expected_profit"] for one in actions if one["half"] == half]
        if own:
            cell = _amount(sum(own), half, currency)
            live = f'<td aria-live="polite" data-total="{half}">{cell}</td>'
            rows.append(f'<tr class="what-if-total"><th scope="row">{_word(name)}</th>{live}</tr>')
    head = f"<tr><th scope='col'>{_word('action')}</th><th scope='col'>{_word('gain')}</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _row(name: str, gain: float, half: str, currency: str) -> str:
    cell = _amount(gain, half, currency)
    return f'<tr><th scope="row">{escape(name, "html")}</th><td data-gain>{cell}</td></tr>'


def _amount(gain: float, half: str, currency: str) -> str:
    return escape(estimate(gain, currency if half == LEDGER else ""), "html")
