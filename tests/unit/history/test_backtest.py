"""Test that the back-test finds a forecast that failed, and raises no false alarm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import statsmodels.api as sm
from conftest import Row, a_line, reading, write_lines
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import roc_auc_score

from analysis.core import plotting
from analysis.core.presentation import Figure
from analysis.forecast import lapse_features
from analysis.history import backtest, figures_backtest, names, text_backtest
from analysis.history import outcomes as history_outcomes
from analysis.history.names import DECLINE, LAPSE
from analysis.orders.ledger import Ledger
from analysis.stats import bootstrap
from analysis.stats.models import Numbers

SEED = 7
DAYS = 30
THEN = dt.date(2011, 5, 1)
PROMISE = backtest.Promise(0.75, 0.73, 0.77, 3000)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "DRAWS", 99)


def outcomes(p: npt.ArrayLike, y: npt.ArrayLike, stake: float | Numbers = 10.0) -> pd.DataFrame:
    """Return a table of outcomes."""
    table = pd.DataFrame({"probability": np.asarray(p, float), "happened": np.asarray(y, bool)})
    ids = [f"{n}" for n in range(len(table))]
    table = table.assign(customer_id=ids, stake=stake, after=0.0, listed=False)
    return table[history_outcomes.COLUMNS]


def some(n: int = 1000, seed: int = 1, shift: float = 0.0) -> pd.DataFrame:
    """Return outcomes of a forecast that is right but for a shift in log odds."""
    chance = np.random.default_rng(seed)
    odds = chance.normal(-0.5, 1.2, n)
    came = chance.random(n) < special.expit(odds + shift)
    return outcomes(special.expit(odds), came, chance.lognormal(5, 1, n))


def row_of(table: pd.DataFrame, model: str = LAPSE, **more: object) -> pd.Series:
    made = backtest.backtest(model, history_outcomes.Outcomes(table), PROMISE, SEED, 5).iloc[0]
    return pd.Series({**made, **more})


# ------------------------------------------------------------------------- measures


def test_measures_are_those_of_others() -> None:
    table = some()
    p, y = table["probability"].to_numpy(), table["happened"].to_numpy()
    row = backtest.judge(table, SEED).iloc[0]
    assert row["roc_auc"] == pytest.approx(roc_auc_score(y, p))
    assert row["roc_auc_low"] < row["roc_auc"] < row["roc_auc_high"]
    assert (row["n"], row["events"]) == (1000, y.sum())
    assert row["brier"] == pytest.approx(np.mean((p - y) ** 2))
    assert row["brier_gain"] == pytest.approx(row["brier_constant"] - row["brier"])
    fit = sm.Logit(y.astype(float), sm.add_constant(special.logit(p))).fit(disp=0)
    assert row["slope"] == pytest.approx(fit.params[1], abs=1e-5)
    assert row["money"] == pytest.approx(table.loc[y, "stake"].sum())
    assert row["money_expected"] == pytest.approx((p * table["stake"]).sum())
    assert row["observed_se"] == pytest.approx(np.sqrt((p * (1 - p)).sum()) / 1000)
    first = table.nlargest(100, "probability")
    assert row["top_events"] == pytest.approx(first["happened"].sum() / y.sum())
    lost = (table["stake"] * y).sum()
    assert row["top_money"] == pytest.approx((first["stake"] * first["happened"]).sum() / lost)
    richest = table.nlargest(100, "stake")
    expected = (richest["stake"] * richest["happened"]).sum() / lost
    assert row["stake_money"] == pytest.approx(expected)


def test_intervals_hold_the_truth_of_a_right_forecast() -> None:
    rows = pd.concat([backtest.judge(some(400, seed), seed) for seed in range(40)])
    many = some(200_000, 99)
    truth = roc_auc_score(many["happened"], many["probability"])
    for name, value in {"roc_auc": truth, "slope": 1.0, "intercept": 0.0}.items():
        inside = (rows[f"{name}_low"] <= value) & (value <= rows[f"{name}_high"])
        # Fewer would come once in a thousand.
        assert inside.sum() >= stats.binom.ppf(0.001, 40, 0.95), name


def test_the_order_and_the_names_of_rows_do_not_show() -> None:
    table = some(200)
    mixed = table.sample(frac=1, random_state=3).assign(customer_id=[f"x{n}" for n in range(200)])
    pd.testing.assert_frame_equal(
        backtest.judge(table, SEED), backtest.judge(mixed, SEED), check_exact=False, rtol=1e-12
    )


def test_of_very_many_the_spread_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    table = some(4000)
    whole = backtest.judge(table, SEED).iloc[0]
    monkeypatch.setattr(bootstrap, "MANY", 1000)
    part = backtest.judge(table, SEED).iloc[0]
    assert part["roc_auc"] == whole["roc_auc"]
    width, full = (row["roc_auc_high"] - row["roc_auc_low"] for row in (part, whole))
    assert width == pytest.approx(full, rel=0.35)
    assert part["roc_auc_low"] < part["roc_auc"] < part["roc_auc_high"]


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 3)),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 9),
)
def test_a_list_catches_what_is_on_it(rows: list[tuple[int, int, int]], tenths: int) -> None:
    score, value, times = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    top = tenths / 10
    (share,) = backtest.captured_share(score, value, times[None, :], top)
    if not (value * times).sum():
        assert np.isnan(share)
        return
    assert -1e-9 <= share <= 1 + 1e-9
    # A weight is so many customers.
    again = np.repeat(score, times.astype(int)), np.repeat(value, times.astype(int))
    (other,) = backtest.captured_share(*again, np.ones((1, len(again[0]))), top)
    assert share == pytest.approx(other)
    (lot,) = backtest.captured_share(np.zeros(len(score)), value, times[None, :], top)
    assert lot == pytest.approx(top)
    (best,) = backtest.captured_share(value, value, times[None, :], top)
    assert best >= max(share, top) - 1e-9


# ------------------------------------------------------------------------- hard forecasts


HALF = np.arange(200) % 2 == 0
HARD = {
    "perfect": outcomes(np.where(HALF, 0.99, 0.01), HALF),
    "certain": outcomes(HALF, HALF),
    "reversed": outcomes(np.where(HALF, 0.1, 0.9), HALF),
    "constant": outcomes(np.full(200, 0.5), HALF),
    "ties": outcomes(np.where(np.arange(200) % 3 == 0, 0.4, 0.6), HALF),
    "all did": outcomes(np.linspace(0.1, 0.9, 200), np.ones(200)),
    "nobody did": outcomes(np.linspace(0.1, 0.9, 200), np.zeros(200)),
    "empty": outcomes([], []),
    "no forecast": outcomes(np.full(50, np.nan), np.zeros(50)),
    "three": outcomes([0.1, 0.5, 0.9], [0, 1, 1]),
    "one": outcomes([0.5], [1]),
    "few did": outcomes(np.linspace(0.01, 0.1, 200), np.arange(200) > 196),
    "nothing at stake": outcomes(np.linspace(0.1, 0.9, 200), HALF, 0.0),
    "right": some(),
    "too low": some(shift=1.0),
    "too high": some(shift=-1.0),
}


@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("model", [LAPSE, DECLINE])
@pytest.mark.parametrize("promise", [PROMISE, None])
def test_hard_forecasts_have_a_row_and_sentences(
    case: str, model: str, promise: backtest.Promise | None
) -> None:
    table = backtest.backtest(model, history_outcomes.Outcomes(HARD[case], 1, 2), promise, SEED, 5)
    assert len(table) == 1
    row = table.iloc[0]
    assert isinstance(row["decayed"], bool | np.bool_)
    assert row["judged"] or not row["decayed"]
    if promise is None:
        assert not row["judged"] and text_backtest.verdict_of(row) == ""
    assert table.to_parquet() is not None
    made = shown(table, backtest.reliability(HARD[case], 5))
    if isinstance(made, str):
        assert made.endswith(".")
        return
    texts = [made.headline, made.alt, *(made.more or {}).values()]
    assert not [text for text in texts if "nan" in text.casefold().split() or "<NA>" in text]
    assert plotting.draw(made.plot)


def shown(table: pd.DataFrame, groups: pd.DataFrame) -> Figure | str:
    """Return what the chapter has of a back-test."""
    table = table.assign(start=str(THEN))
    if table["model"].iloc[0] == LAPSE:
        made = figures_backtest.backtest_lapse(table, groups, "£")
    else:
        made = figures_backtest.backtest_decline(table, groups, "£")
    assert made is not None
    return made


def test_hard_forecasts_are_measured_as_they_are() -> None:
    rows = {name: backtest.judge(table, SEED, 5).iloc[0] for name, table in HARD.items()}
    assert rows["perfect"]["roc_auc"] == rows["certain"]["roc_auc"] == 1
    assert rows["reversed"]["roc_auc"] == 0
    assert rows["constant"]["roc_auc"] == 0.5
    assert rows["constant"]["brier_gain"] == pytest.approx(0)
    # A list by a forecast that tells nothing is a list by lot.
    assert rows["constant"]["top_events"] == pytest.approx(backtest.TOP)
    assert rows["perfect"]["top_events"] == pytest.approx(0.2)
    assert rows["reversed"]["top_events"] == 0
    for name in ("perfect", "certain", "reversed", "constant", "all did", "few did", "empty"):
        assert pd.isna(rows[name]["slope"]), name
    assert rows["ties"]["slope_low"] < rows["ties"]["slope"] < rows["ties"]["slope_high"]
    for name in ("all did", "nobody did", "few did", "empty", "three"):
        assert pd.isna(rows[name]["roc_auc"]), name
    # Of fewer than five nothing is told but their number; of three that did, not their money.
    assert pd.isna(rows["three"]["events"]) and pd.isna(rows["three"]["observed"])
    assert rows["few did"]["events"] == 3 and pd.isna(rows["few did"]["money"])
    assert rows["no forecast"]["n"] == 0
    assert pd.isna(rows["nothing at stake"]["top_money"])
    assert rows["nothing at stake"]["money"] == 0


@given(
    st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), max_size=60),
    st.integers(1, 12),
)
def test_no_small_group_is_shown(rows: list[tuple[float, bool]], minimum_group: int) -> None:
    table = outcomes([p for p, _ in rows], [y for _, y in rows])
    found = backtest.reliability(table, minimum_group)
    assert found["customers"].sum() in (0, len(rows))
    assert (found["customers"] >= minimum_group).all()


# ------------------------------------------------------------------------- the verdict


Turn = Callable[[np.random.Generator, pd.DataFrame], npt.ArrayLike]


def builds(number: int, quarters: int, n: int, turn: Turn) -> list[backtest.Verdict]:
    """Return the verdicts on quarters that follow builds whose model was learnt from a sample."""
    chance = np.random.default_rng(SEED)
    found = []

    def drawn(size: int) -> pd.DataFrame:
        x = chance.normal(size=size)
        return pd.DataFrame({"x": x, "y": chance.random(size) < special.expit(1.2 * x - 0.5)})

    for _ in range(number):
        learnt, tested = drawn(n), drawn(n)
        design = np.column_stack([learnt["x"], np.ones(n)])
        y = learnt["y"].to_numpy(float)
        fit = sm.GLM(y, design, sm.families.Binomial()).fit().params

        def forecast(x: pd.Series, fit: np.ndarray = fit) -> np.ndarray:
            return np.asarray(special.expit(fit[0] * x + fit[1]))

        then = quick(forecast(tested["x"]), tested["y"])
        promise = backtest.Promise(then["roc_auc"], then["roc_auc_low"], then["roc_auc_high"], n)
        for _ in range(quarters):
            now = drawn(n)
            p = turn(chance, now.assign(p=forecast(now["x"])))
            found.append(backtest.check_promise(quick(p, now["y"]), promise))
    return found


def quick(p: npt.ArrayLike, y: pd.Series) -> pd.Series:
    """Judge without lists: they are too short to be shown. No two bootstraps are the same."""
    table = outcomes(p, y)
    return backtest.judge(table, int(table["happened"].sum()), len(y) // 5).iloc[0]


def share(found: list[backtest.Verdict], what: str = "") -> float:
    return float(np.mean([v.decayed and what in v.reason for v in found]))


def test_sound_forecasts_are_rarely_called_decayed() -> None:
    found = builds(50, 3, 1000, lambda _, now: now["p"])
    assert all(verdict.judged for verdict in found)
    # 5 of 100, and what chance adds to that. (In 900 independent pairs of quarters: 4.9.)
    assert share(found) <= stats.binom.ppf(0.99, len(found), 0.05) / len(found)


BROKEN: dict[str, tuple[Turn, str]] = {
    "shuffled": (lambda chance, now: chance.permutation(now["p"]), backtest.RANKING),
    "noisy": (
        lambda chance, now: special.expit(special.logit(now["p"]) + chance.normal(0, 1.8, 1000)),
        backtest.RANKING,
    ),
    "too high": (lambda _, now: special.expit(special.logit(now["p"]) + 0.8), backtest.LEVEL),
    "too low": (lambda _, now: special.expit(special.logit(now["p"]) - 0.8), backtest.LEVEL),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_forecasts_are_called_decayed(kind: str) -> None:
    turn, reason = BROKEN[kind]
    assert share(builds(5, 6, 1000, turn), reason) >= 0.9


def test_small_misses_of_very_many_customers_are_no_decay() -> None:
    row = {
        "n": 10**6,
        "predicted": 0.4,
        "observed": 0.41,
        "observed_se": 4e-4,
        "roc_auc": 0.74,
        "roc_auc_low": 0.739,
        "roc_auc_high": 0.741,
    }
    sure = backtest.Promise(0.75, 0.749, 0.751, 10**6)
    assert backtest.check_promise(row, sure) == backtest.Verdict(True, False, "")
    assert backtest.check_promise({**row, "observed": 0.5}, sure).reason == backtest.LEVEL
    assert backtest.check_promise({**row, "observed": 0.3}, sure).reason == backtest.LEVEL
    assert (
        backtest.check_promise(
            {**row, "roc_auc": 0.7, "roc_auc_low": 0.699, "roc_auc_high": 0.701}, sure
        ).reason
        == backtest.RANKING
    )
    # Where the season was not known, no level was promised.
    ranked = sure._replace(level=False)
    assert backtest.check_promise({**row, "observed": 0.5}, ranked).reason == ""
    # What is better than promised has not decayed.
    assert not backtest.check_promise({**row, "roc_auc": 0.9}, sure).decayed
    assert backtest.check_promise(row, None) == backtest.Verdict(False, False, "")


def test_a_level_that_was_off_while_the_ranking_holds_is_the_season() -> None:
    row = {"n": 1000, "predicted": 0.3, "observed": 0.6, "observed_se": 0.015}
    row |= {"roc_auc": 0.74, "roc_auc_low": 0.72, "roc_auc_high": 0.76}
    seasonal = PROMISE._replace(seasonal=True)
    assert backtest.check_promise(row, seasonal) == backtest.Verdict(True, False, backtest.LEVEL)
    worse = row | {"roc_auc": 0.55, "roc_auc_low": 0.53, "roc_auc_high": 0.57}
    both = backtest.check_promise(worse, seasonal)
    assert both.decayed and both.reason == f"{backtest.RANKING} and {backtest.LEVEL}"
    assert backtest.check_promise(row, PROMISE).decayed
    told = sentences(row_of(HARD["too low"], reason=backtest.LEVEL, decayed=False))
    assert told["advice"].startswith("The ranking holds, so the model has not decayed")


def test_quarters_differ_by_more_than_customers() -> None:
    """Three points off are no alarm, of however many customers."""
    row = {"n": 10**5, "predicted": 0.5, "observed": 0.53, "observed_se": 0.001}
    row |= {"roc_auc": 0.72, "roc_auc_low": 0.719, "roc_auc_high": 0.721}
    sure = backtest.Promise(0.75, 0.749, 0.751, 10**6, seasonal=True)
    assert not backtest.check_promise(row, sure).reason


def test_customers_on_contact_lists_are_judged_apart() -> None:
    right = some(1200)
    # Contact keeps everybody: whoever was on the list did not stop ordering.
    listed = np.arange(len(right)) % 3 == 0
    table = right.assign(listed=listed, happened=right["happened"] & ~listed)
    row = row_of(table, promised=HARD_AUC)
    assert (row["n"], row["listed"], row["listed_observed"]) == (800, 400, 0)
    assert not row["reason"]
    assert row_of(table.assign(listed=False))["reason"] != ""
    assert "400 customers on the contact lists" in sentences(row)["listed"]
    # Where nearly everybody was on a list, the few others cannot judge a model.
    all_together = row_of(right.assign(listed=np.arange(len(right)) > 20))
    assert (all_together["n"], all_together["listed"]) == (1200, 0)


def test_where_everybody_does_it_the_level_is_judged_alone() -> None:
    row = row_of(HARD["all did"])
    assert row["judged"] and row["decayed"] and row["reason"] == backtest.LEVEL
    told = sentences(row)
    assert told["level"].endswith(", more than chance explains.") and "ranking" not in told


def test_promises_are_read_from_builds() -> None:
    facts = {"lapse.training_customers": 2000, "lapse.test_customers": 1000}
    right = some(4000)
    promise = backtest.lapse_promise(facts, right, SEED)
    assert promise and promise.customers == 3000 and promise.level and promise.seasonal
    # What was to be expected of the risks is what right risks do.
    row = backtest.judge(right, SEED, 5).iloc[0]
    assert promise.low < row["roc_auc"] < promise.high
    assert promise.brier == pytest.approx(row["brier"], abs=0.01)
    unknown = backtest.lapse_promise({**facts, "forecast.season_known": False}, right, SEED)
    assert unknown and unknown == promise._replace(level=False)
    assert backtest.lapse_promise({}, right.head(0), SEED) is None
    table = pd.DataFrame(
        {
            "model": ["a", "b"],
            "roc_auc": [0.5, 0.75],
            "roc_auc_low": [0.5, 0.73],
            "roc_auc_high": [0.5, 0.77],
            "chosen": [False, True],
        }
    )
    assert backtest.decline_promise(table, 3000) == PROMISE
    assert backtest.decline_promise(pd.DataFrame(), 3000) is None


# ------------------------------------------------------------------------- what came


def sale(customer: int, day: dt.date, quantity: int = 2) -> Row:
    """Return a line; a negative quantity cancels."""
    return a_line(
        InvoiceNo=f"{'C' if quantity < 0 else ''}{customer}{day:%m%d}",
        CustomerID=f"{customer}",
        InvoiceDate=f"{day} 10:00",
        Quantity=f"{quantity}",
        UnitPrice="5",
    )


def day(after: int) -> dt.date:
    return THEN + dt.timedelta(days=after)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    rows = [
        *[sale(customer, day(-10)) for customer in (1, 2, 3, 4, 5)],
        sale(1, day(0)),
        sale(1, day(DAYS - 1)),  # both ends of the window
        sale(2, day(DAYS)),  # one day late
        sale(3, day(5)),
        sale(3, day(25), -2),
        sale(3, day(26), -2),  # both taken back: at stake then, no sale now
        sale(4, day(-1), 4),
        sale(7, day(3)),  # new
    ]
    path = tmp_path_factory.mktemp("backtest") / "transactions" / "a.csv"
    write_lines(path, rows)
    with reading([path]) as found:
        yield found


FORECASTS = pd.DataFrame(
    {
        "customer_id": ["1", "2", "3", "4", "5", "6"],
        "lapse_probability": [0.1, 0.2, 0.3, 0.4, np.nan, 0.6],
    }
)


def test_who_stayed_away(ledger: Ledger) -> None:
    found = history_outcomes.lapse_outcomes(ledger, FORECASTS, THEN, DAYS)
    table = found.table.set_index("customer_id")
    assert list(found.table.columns) == history_outcomes.COLUMNS
    # The fifth had no forecast, the sixth is not in the ledger.
    assert table["happened"].to_dict() == {"1": False, "2": True, "3": True, "4": True}
    assert (found.lost, found.new, found.reason) == (1, 1, "")
    assert table["stake"].to_dict() == {"1": 10.0, "2": 10.0, "3": 10.0, "4": 30.0}
    assert table["after"].to_dict() == {"1": 20.0, "2": 0.0, "3": 0.0, "4": 0.0}
    same = lapse_features.outcome(ledger, THEN, DAYS, table.index)
    assert table["happened"].to_list() == list(same)


def test_what_cannot_be_held_against_what_came(ledger: Ledger) -> None:
    late = (ledger.as_of - THEN).days
    assert history_outcomes.lapse_outcomes(ledger, FORECASTS, THEN, late).reason == ""
    cases = {
        "the orders do not cover one of its days": (FORECASTS, late + 1, names.NOT_OVER),
        "the orders do not cover 2 of its days": (FORECASTS, late + 2, names.NOT_OVER),
        "had no forecast": (FORECASTS[["customer_id"]], DAYS, names.NO_FORECAST),
        "none of its customers are in the orders": (FORECASTS.tail(1), DAYS, names.UNKNOWN),
    }
    for words, (customers, days, reason) in cases.items():
        found = history_outcomes.lapse_outcomes(ledger, customers, THEN, days)
        assert found.reason == reason and found.table.empty
        table = backtest.backtest(LAPSE, found, PROMISE, SEED, 5)
        said = shown(table, backtest.reliability(found.table, 5))
        assert not table["judged"].any() and isinstance(said, str) and words in said
        if reason == names.NOT_OVER:
            assert said.startswith("The forecast from 1 May 2011 of who would stop ordering cannot")


def test_who_buys_less() -> None:
    before = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "decline_probability": [0.1, 0.9, 0.5, np.nan],
            "decline": [False, True, False, False],
            "profit": [5.0, -2.0, 3.0, 1.0],
        }
    )
    now = pd.DataFrame(
        {
            "customer_id": ["b", "a", "e", "d"],
            "decline": [True, True, False, False],
            "profit": [1.0, 4.0, 2.0, 1.0],
        }
    )
    found = history_outcomes.decline_outcomes(before, now)
    assert found.table.to_dict("list") == {
        "customer_id": ["a", "b"],
        "probability": [0.1, 0.9],
        "happened": [True, True],
        "stake": [5.0, 0.0],
        "after": [4.0, 1.0],
        "listed": [False, False],
    }
    # c has gone; of those now, d and e had no forecast.
    assert (found.lost, found.new) == (1, 2)
    again = history_outcomes.decline_outcomes(before, before.sample(frac=1, random_state=1))
    assert again.reason == names.NOTHING_NEW
    assert history_outcomes.decline_outcomes(before, now.iloc[2:3]).reason == names.UNKNOWN
    none = history_outcomes.decline_outcomes(before.assign(decline_probability=np.nan), now)
    assert none.reason == names.NO_FORECAST and none.table.empty


# ------------------------------------------------------------------------- words


def test_sentences_follow_the_numbers() -> None:
    right = row_of(HARD["right"], promised=HARD_AUC)
    told = sentences(right)
    assert told["ranking"].endswith("against 77 promised.")
    assert "chance explains" not in told["level"]
    assert told["advice"] == "The forecast did as well as promised." and "lost" not in told
    assert text_backtest.verdict_of(right).endswith("would stop ordering came true.")
    for factor in (1.01, 0.99):
        bound = "money_expected_high" if factor > 1 else "money_expected_low"
        off = pd.Series({**right, "money": right[bound] * factor})
        assert sentences(off)["advice"].endswith("treat the amounts of the next one with care.")
        assert "chance explains only £" in sentences(off)["money"]
        assert "came true, except in the amounts" in text_backtest.verdict_of(off)
    low = row_of(HARD["too low"], DECLINE, lost=1)
    assert low["reason"] == backtest.LEVEL
    assert sentences(low)["level"].endswith(", more than chance explains.")
    assert sentences(low)["money"].startswith("Those who bought less had brought a monthly profit")
    assert sentences(low)["lost"].startswith("1 customer with a forecast is missing")
    assert "who would buy less got the number wrong" in text_backtest.verdict_of(low)
    assert "but only" in sentences(row_of(HARD["too high"]))["level"]
    turned = row_of(HARD["reversed"])
    assert turned["reason"] == backtest.RANKING
    assert (
        "ranked customers badly: do not use the next one to select customers"
        in text_backtest.verdict_of(turned)
    )
    assert sentences(turned)["ranking"].endswith("more than chance explains.")
    assert sentences(turned)["advice"].startswith(
        "Do not use the next forecast to select customers"
    )
    both = row_of(outcomes(np.where(HALF, 0.1, 0.5), HALF))
    assert both["reason"] == f"{backtest.RANKING} and {backtest.LEVEL}"
    assert sentences(both)["advice"].startswith("Do not act on the next forecast")
    assert "got both the ranking and the number wrong" in text_backtest.verdict_of(both)


def sentences(row: pd.Series) -> dict[str, str]:
    """Return what the chapter says of a back-test."""
    groups = pd.DataFrame({"predicted": [0.2], "observed": [0.3], "low": [0.1], "high": [0.4]})
    made = shown(row.to_frame().T, groups)
    assert isinstance(made, Figure)
    return dict(made.more or {})


HARD_AUC = 0.77
