"""Test that the sentences change with the data, on one build of doctored data.

A third of the sample's customers: half of the most valuable segment gone, most orders of the last
months gone, and no answer in the column of consent. Each sentence is held to what was built from
that, counted here anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from conftest import choose_from_few, draw_nothing, once
from summary_said import Built, check_summary

from analysis.__main__ import main
from analysis.core.formatting import count, percent
from analysis.orders import text as orders_text
from analysis.regulars import contract
from analysis.regulars.names import BEHAVIOUR_NUMBERS
from analysis.strategy import contact_lists
from analysis.strategy.assumptions import assumptions

pytestmark = pytest.mark.drill
FROM = pd.Timestamp("2025-10-01")


def doctored(build: Path, folder: Path) -> None:
    """Write the doctored data, as files that a shop might send."""
    people = pd.read_parquet(build / "customers.parquet")
    lines = pd.read_parquet(build / "transactions.parquet")
    kept = people.iloc[::3]
    best = kept.groupby("segment")["monetary"].sum().idxmax()
    kept = kept.drop(index=kept.index[kept["segment"] == best][::2])
    gone = (lines["invoice_date"] >= FROM) & ~lines["invoice"].str.endswith(("0", "9"))
    lines = lines[lines["customer_id"].isin(kept["customer_id"]) & ~gone]
    for name in ("transactions", "activity"):
        (folder / name).mkdir(parents=True)
    lines.drop(columns=["order_id", "amount"]).to_parquet(folder / "transactions/lines.parquet")

    regulars = pd.read_parquet(build / "activity.parquet")
    regulars = regulars[regulars["customer_id"].isin(lines["customer_id"])]
    columns = ["customer_id", "service_level", *BEHAVIOUR_NUMBERS, "favourite_category"]
    labels = regulars["decline"].map({True: "declined", False: "same"})
    behaviour = regulars[columns].assign(activity=labels, consent="")
    behaviour.to_csv(folder / "activity/market_file.csv", index=False)
    for measure, file in (("revenue", "market_money"), ("minutes", "market_time")):
        wide = [f"{measure}_{month}" for month in contract.MONTHS[measure]]  # type: ignore[index]
        long = regulars.melt("customer_id", wide, "period", measure)
        long["period"] = long["period"].str.removeprefix(f"{measure}_")
        long.to_csv(folder / f"activity/{file}.csv", index=False)
    regulars[["customer_id", "profit"]].to_csv(folder / "activity/money.csv", index=False)


@pytest.fixture(scope="module")
def sample(sample_build: Path) -> Built:
    return Built(sample_build)


@pytest.fixture(scope="module")
def perturbed(sample_build: Path, shared: Path, quick_settings: Path) -> Built:
    def make(out: Path) -> None:
        folder = out.with_name("doctored-data")
        doctored(sample_build, folder)
        options = ["--data", str(folder), "--settings", str(quick_settings), "--out", str(out)]
        with pytest.MonkeyPatch.context() as patch:
            draw_nothing(patch)
            choose_from_few(patch)
            assert main(["build", *options]) == 0

    return Built(once(shared / "doctored-build", make))


def test_each_statement_of_the_summary_agrees_with_the_tables(perturbed: Built) -> None:
    assert "summary-headline.said" in check_summary(perturbed.folder)


def test_half_a_segment_is_what_the_summary_tells(sample: Built, perturbed: Built) -> None:
    lines, people = perturbed("transactions"), perturbed("customers")
    own = people[["customer_id", "segment"]].merge(lines, on="customer_id")
    revenue = own.groupby("segment")["amount"].sum()
    best = str(revenue.idxmax())
    told = perturbed.text["segment-size-and-value.headline"]
    share = (people["segment"] == best).mean()
    assert told.startswith(
        f"{best}, {percent(share)} of customers, bring "
        f"{percent(revenue[best] / revenue.sum())} of net revenue"
    )
    assert told != sample.text["segment-size-and-value.headline"]


def test_the_decision_counts_those_who_are_left(sample: Built, perturbed: Built) -> None:
    actions = perturbed("actions")
    ledger = actions[(actions["half"] == "ledger") & actions["rank"].notna()]
    best = ledger.sort_values("expected_profit").iloc[-1]
    people = perturbed("customers")
    listed = people[(people["segment"] == best["segment"]) & (people["group"] == "contacted")]
    size = len(listed)
    assert 0 < size == best["listed"]
    reach = perturbed.settings.strategy.reach.likely
    told, before = (built.cards("summary-decisions")[0] for built in (perturbed, sample))
    assert told["title"] == f"Contact “{best['segment']}”"
    assert f"the {count(size)} customers on the list" in told["lines"][0][1]
    assert best["contacts"] == pytest.approx(size * reach)
    assert told != before


def test_orders_that_fell_are_told_to_have_fallen(sample: Built, perturbed: Built) -> None:
    def orders(first: pd.Timestamp, months: int) -> int:
        lines = perturbed("transactions")
        inside = lines["invoice_date"].between(
            first, first + pd.DateOffset(months=months), inclusive="left"
        )
        return int(lines.loc[inside, "order_id"].nunique())

    now, before = orders(FROM, 3), orders(FROM - pd.DateOffset(years=1), 3)
    told = orders_text.recent_orders(perturbed("recent_change"), "£")["said"]
    assert now < before
    assert f"customers placed {count(now)} orders (down {1 - now / before:.0%}" in told
    usual = orders_text.recent_orders(sample("recent_change"), "£")["said"]
    assert "a year earlier" in usual
    assert "down" not in usual.partition("worth")[0]


def test_without_an_answer_nobody_of_the_regulars_is_contacted(
    sample: Built, perturbed: Built
) -> None:
    assert sample.facts["activity.consent_known"] is True
    assert perturbed.facts["activity.consent_known"] is False
    actions = perturbed("actions")
    titles = [card["title"] for card in perturbed.cards("summary-decisions")]
    assert titles and not [title for title in titles if "regular customers" in title]
    assert perturbed.text["group-value.none"] == "No action can be given a value."
    own = actions[actions["half"] == "activity"]
    assert own["reason"].str.contains("nobody in the group is known to have consented").all()
    assert perturbed("contact_curve").empty
    lists = contact_lists.contact_lists(actions, perturbed("customers"), perturbed("activity"))
    assert lists and all(name.startswith("contacts/ledger-") for name in lists)
    # The risks are there all the same: to ask for consent is the next step.
    assert perturbed("activity")["decline_probability"].notna().all()


def test_assumptions_follow_the_build(sample: Built, perturbed: Built) -> None:
    for built in (sample, perturbed):
        found = assumptions(built.facts, built.settings, built)
        assert len({one.name for one in found}) == len(found) >= 20
        text = " ".join(part for one in found for part in (one.value, one.fails))
        assert not re.search(r"\bnan\b|not known|None|  ", text)
        assert all(one.rests and one.fails.endswith(".") for one in found)
    one, other = (
        {a.name: a for a in assumptions(built.facts, built.settings, built)}
        for built in (sample, perturbed)
    )
    kept = "The share of customers who would buy less that a contact keeps"
    assert other[kept].fails == "No customer can be contacted now, so nothing depends on it."
    assert "units of the profit table" in one[kept].fails


def test_each_half_has_its_own_assumptions(sample: Built) -> None:
    def sections(**missing: bool) -> set[str]:
        facts = sample.facts | missing
        return {label for one in assumptions(facts, sample.settings, sample) for label in one.rests}

    activity_only = sections(**{"transactions.available": False})
    ledger_only = sections(**{"activity.available": False})
    assert not {"sec-cleaning", "sec-scores", "sec-lapse", "sec-worth-ledger"} & activity_only
    assert not {"sec-tables", "sec-decline", "sec-contact", "sec-worth-activity"} & ledger_only
