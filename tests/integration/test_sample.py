"""Test the sample data against its known truth, without the project's readers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from conftest import raw_lines
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from analysis.ingest.data_folder import MARKER, sample_is_in
from analysis.ingest.sample import SEED, Truth, sample_truth
from analysis.ingest.sample_regulars import expected_roc_auc

LABEL = "Покупательская активность"


class Sample(NamedTuple):
    folder: Path
    truth: Truth
    raw: pd.DataFrame  # every line as text, with its file
    lines: pd.DataFrame  # the same without the copies of the late file, with numbers and dates
    people: pd.DataFrame  # the four activity tables side by side


@pytest.fixture(scope="module")
def sample(sample_data: Path) -> Sample:
    folder = sample_data
    raw = pd.concat([raw_lines(path) for path in sorted((folder / "transactions").iterdir())])
    raw = raw.reset_index(drop=True)
    late = in_earlier_file(raw)
    lines = raw[~late].assign(
        q=pd.to_numeric(raw["quantity"], errors="coerce"),
        p=raw["price"].astype(float),
        at=pd.to_datetime(raw["date"], errors="coerce"),
        c=pd.to_numeric(raw["customer"].replace("1.2E+04", ""), errors="coerce"),
        cancels=raw["invoice"].str.startswith("C"),
        product=raw["code"].str.match(r"[0-9]{5}|DCGS"),
    )
    return Sample(folder, sample_truth(), raw, lines, read_activity(folder / "activity"))


def in_earlier_file(raw: pd.DataFrame) -> pd.Series:
    content = raw.drop(columns="file").columns.tolist()
    first = raw.groupby(content)["file"].transform("first")
    return raw["file"].ne(first)


def read_activity(folder: Path) -> pd.DataFrame:
    revenue = pd.read_csv(folder / "market_money.csv").pivot_table("Выручка", "id", "Период")
    minutes = pd.read_csv(folder / "market_time.csv").pivot_table("минут", "id", "Период")
    people = pd.read_csv(folder / "market_file.csv").set_index("id")
    profit = pd.read_csv(folder / "money.csv").set_index("id")
    return people.join([revenue.add_prefix("revenue "), minutes.add_prefix("minutes "), profit])


def plain_sales(lines: pd.DataFrame) -> pd.DataFrame:
    kept = lines["c"].notna() & ~lines["cancels"] & lines["q"].gt(0) & lines["p"].gt(0)
    kept &= lines["product"] & lines["at"].notna() & lines["q"].lt(60_000)
    return lines[kept].drop_duplicates(["invoice", "code"])


def test_two_writes_in_two_processes_give_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    call = f"from analysis.ingest.sample import *; write_sample(Path({str(tmp_path)!r}))"
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", call], check=True, cwd=root, env=environment
    )
    first, second = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (sample.folder, tmp_path)
    )
    assert first == second


def test_holds_the_raw_files_and_no_truth(sample: Sample) -> None:
    quarters = [f"transactions/sales_{y}-Q{q}.csv" for y in (2024, 2025) for q in (1, 2, 3, 4)]
    tables = ["market_file", "market_money", "market_time", "money"]
    names = {p.relative_to(sample.folder).as_posix() for p in sample.folder.rglob("*.*")}
    activity = [f"activity/{t}.csv" for t in tables]
    assert names == {*quarters, *activity, "campaigns/2025-q3.csv", MARKER}


def test_another_seed_gives_another_shop_and_the_same_habits(sample: Sample) -> None:
    other = sample_truth(SEED + 1)
    assert not other.decline["probability"].equals(sample.truth.decline["probability"])
    assert other.dirt != sample.truth.dirt
    assert other.best_roc_auc == pytest.approx(0.9, abs=0.02)
    counts = other.archetypes["archetype"].value_counts()
    assert counts.to_dict() == pytest.approx(
        sample.truth.archetypes["archetype"].value_counts().to_dict(), rel=0.03
    )


def test_is_recognised_by_its_marker_alone(sample: Sample, tmp_path: Path) -> None:
    assert sample_is_in(sample.folder)
    assert not sample_is_in(tmp_path)
    assert not sample_is_in(tmp_path / "missing")
    text = (sample.folder / MARKER).read_text(encoding="utf-8")
    assert "generated" in text
    assert f"seed {SEED}" in text


def test_ledger_dirt_is_what_the_truth_counts(sample: Sample) -> None:
    raw, lines = sample.raw, sample.lines
    full, part = cancellations_that_match(lines)
    giants = lines[lines["q"].abs().ge(60_000)].sort_values("at").groupby("c")
    prompt = giants["at"].agg(lambda at: at.max() - at.min()).le(pd.Timedelta(minutes=20))
    assert giants["q"].sum().eq(0).all()
    names = raw.drop(columns="file").columns
    found = {
        "lines": len(raw),
        "late_lines": len(raw) - len(lines),
        "duplicate_lines": lines.duplicated(list(names)).sum(),
        "missing_customer_lines": lines["customer"].eq("").sum(),
        "cancelled_lines": lines["cancels"].sum(),
        "cancelled_invoices": lines.loc[lines["cancels"], "invoice"].nunique(),
        "giant_orders_cancelled_within_minutes": prompt.sum(),
        "zero_price_lines": lines["p"].eq(0).sum(),
        "negative_quantity_lines_not_cancelled": (lines["q"].lt(0) & ~lines["cancels"]).sum(),
        "service_lines": (~lines["product"]).sum(),
        "missing_description_lines": lines["description"].eq("").sum(),
        "float_customer_id_lines": lines["customer"].str.endswith(".0").sum(),
        "refused_lines": (lines[["q", "at"]].isna().any(axis=1) | lines["p"].lt(0)).sum()
        + lines["customer"].eq("1.2E+04").sum(),
        "refused_quantity_lines": lines["quantity"].eq("n/a").sum(),
        "refused_date_lines": lines["at"].isna().sum(),
        "refused_customer_lines": lines["customer"].eq("1.2E+04").sum(),
        "refused_price_lines": lines["p"].lt(0).sum(),
        "hostile_description_lines": lines["description"].str.startswith("<script>").sum(),
        "cyrillic_description_lines": lines["description"].str.contains("[А-Я]").sum(),
    }
    planted = {k.split(".")[1]: n for k, n in sample.truth.dirt.items() if k.startswith("trans")}
    # A part that comes back may by chance look like another, whole order of the same customer.
    assert full == pytest.approx(planted.pop("lines_cancelled_in_full"), abs=5)
    assert part == pytest.approx(planted.pop("lines_cancelled_in_part"), abs=5)
    assert found == planted
    assert all(planted.values())
    assert sample.truth.dirt["transactions.refused_lines"] < 0.001 * len(raw)
    assert raw["file"].loc[in_earlier_file(raw)].unique().tolist() == ["sales_2025-Q4.csv"]


def cancellations_that_match(lines: pd.DataFrame) -> tuple[int, int]:
    # A whole order comes back on one invoice; a part of a line comes back by itself, with fewer
    # pieces.
    bought = lines[~lines["cancels"] & lines["q"].gt(0) & lines["c"].notna() & lines["at"].notna()]
    whole = bought.drop_duplicates(["invoice", "code"])
    orders = {(who, frozenset(what)) for who, what in baskets(whole[whole["product"]])}
    full = part = 0
    for who, what in baskets(lines[lines["cancels"]].assign(q=-lines["q"])):
        back = (who, frozenset(what)) in orders
        full += len(what) * back
        part += len(what) * (not back)
    return full, part


def baskets(lines: pd.DataFrame) -> list[tuple[float, list[tuple[str, float]]]]:
    """Return the customer, and the codes with their quantities, of each invoice."""
    found: dict[str, tuple[float, list[tuple[str, float]]]] = {}
    columns = (lines[name] for name in ("invoice", "c", "code", "q"))
    for invoice, who, code, quantity in zip(*columns, strict=True):
        found.setdefault(invoice, (who, []))[1].append((code, quantity))
    return list(found.values())


def test_every_file_is_read_in_its_own_dialect(sample: Sample) -> None:
    starts = [p.read_bytes()[:40] for p in sorted((sample.folder / "transactions").iterdir())]
    assert {next(m for m in b"\t;," if m in start) for start in starts} == set(b"\t;,")
    assert any(start.startswith(b"\xef\xbb\xbf") for start in starts)
    per_file = sample.lines.groupby("file")
    assert per_file["description"].agg(lambda d: "КРУЖКА «ЛЕС»" in set(d)).all()
    assert per_file["at"].agg(lambda at: at.isna().mean()).lt(0.001).all()
    quarter = sample.lines["at"].dt.to_period("Q").astype(str)
    dated = sample.lines["at"].notna()
    assert (("sales_" + quarter.str.replace("Q", "-Q") + ".csv") == sample.lines["file"])[
        dated
    ].all()


def test_the_ledger_looks_like_a_shop(sample: Sample) -> None:
    sales = plain_sales(sample.lines)
    amount = sales["q"] * sales["p"]
    home = amount[sales["country"].eq("United Kingdom")].sum() / amount.sum()
    by_customer = amount.groupby(sales["c"]).sum().sort_values(ascending=False)
    by_month = amount.groupby(sales["at"].dt.month).sum()
    by_weekday = amount.groupby(sales["at"].dt.day_of_week).sum()
    by_year = amount.groupby(sales["at"].dt.year).sum()
    assert 100_000 < len(sample.raw) < 150_000
    assert 3_000 < sales["c"].nunique() < 4_000
    assert sales["country"].nunique() == 12
    assert 0.84 < home < 0.92
    assert 0.70 < by_customer.head(len(by_customer) // 5).sum() / amount.sum() < 0.85
    assert by_month.idxmax() == 11
    assert by_weekday.idxmin() == 5
    assert 1.1 < by_year.loc[2025] / by_year.loc[2024] < 1.4
    assert sales.groupby("invoice").size().max() <= 30
    assert sales["at"].max().date().isoformat() == "2025-12-31"


def test_every_customer_has_an_archetype_and_nobody_orders_after_leaving(sample: Sample) -> None:
    truth = sample.truth.archetypes.set_index("customer_id")
    lines = sample.lines
    known = lines[lines[["c", "at", "q"]].notna().all(axis=1) & lines["p"].ge(0)]
    assert set(known["c"].astype(int)) == set(truth.index)
    sales = known[~known["cancels"] & known["q"].gt(0)]
    last = sales.groupby(sales["c"].astype(int))["at"].max().dt.normalize()
    left = truth["lapse_date"].dropna()
    assert (last[left.index] <= left).all()
    assert truth["lapsed"].equals(truth["lapse_date"].notna())
    assert truth.loc[truth["archetype"].isin(["lapsed", "one_off"]), "lapsed"].all()
    share = truth[truth["archetype"].isin(["wholesale", "regular"])]["lapsed"].mean()
    assert 0.03 < share < 0.15


def test_sound_clustering_finds_the_archetypes_and_a_broken_one_does_not(sample: Sample) -> None:
    sales = plain_sales(sample.lines)
    days = (pd.Timestamp("2026-01-01") - sales["at"].dt.normalize()).dt.days
    customers = sales.assign(days=days, amount=sales["q"] * sales["p"]).groupby("c")
    rfm = customers.agg(r=("days", "min"), f=("invoice", "nunique"), m=("amount", "sum"))
    truth = sample.truth.archetypes.set_index("customer_id")["archetype"].loc[rfm.index]

    def recovery(features: np.ndarray) -> float:
        labels = KMeans(4, n_init=10, random_state=0).fit_predict(features)
        return float(adjusted_rand_score(truth, labels))

    logs = np.log1p(rfm.to_numpy(dtype=float))
    assert recovery(StandardScaler().fit_transform(logs)) > 0.70
    assert recovery(rfm.to_numpy(dtype=float)) < 0.45
    assert recovery(StandardScaler().fit_transform(rfm)) < 0.60
    shuffled = np.random.default_rng(0).permutation(truth.to_numpy())
    assert adjusted_rand_score(truth, shuffled) < 0.05


def test_activity_dirt_is_what_the_truth_counts(sample: Sample) -> None:
    folder, people = sample.folder / "activity", sample.people
    minutes = pd.read_csv(folder / "market_time.csv")
    revenue = people.filter(like="revenue ")
    profit = pd.read_csv(folder / "money.csv")
    pairs = duplicate_pairs(people)
    labels = people[LABEL].to_numpy()
    found = {
        "customers": len(people),
        "service_level_typos": people["Тип сервиса"].eq("стандартт").sum(),
        "period_typos": minutes["Период"].eq("предыдцщий_месяц").sum(),
        "category_typos": people["Популярная_категория"].eq("Косметика и аксесуары").sum(),
        "impossible_revenues": revenue.gt(70_000).sum().sum(),
        "customers_without_earlier_revenue": revenue.eq(0).any(axis=1).sum(),
        "duplicate_pairs": len(pairs),
        "duplicate_pairs_with_opposite_labels": (labels[pairs[:, 0]] != labels[pairs[:, 1]]).sum(),
        "customers_without_profit": people["Прибыль"].isna().sum(),
        "profits_without_customer": (~profit["id"].isin(people.index)).sum(),
    }
    planted = {k.split(".")[1]: n for k, n in sample.truth.dirt.items() if k.startswith("act")}
    assert found == planted
    assert 0 < planted["duplicate_pairs_with_opposite_labels"] < planted["duplicate_pairs"]
    assert not minutes["Период"].eq("предыдущий_месяц").any()
    assert people[LABEL].is_monotonic_decreasing


def duplicate_pairs(people: pd.DataFrame) -> np.ndarray:
    numbers = people.select_dtypes("number")
    assert numbers.shape[1] == 14
    equal = sum(
        np.equal.outer(column.to_numpy(), column.to_numpy()).astype(np.int8)
        for _, column in numbers.items()
    )
    return np.argwhere(np.triu(equal, 1) >= 9)


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("Маркет_актив_6_мес", 0.9, 6.6),
        ("Маркет_актив_тек_мес", 3, 5),
        ("Длительность", 110, 1079),
        ("Акционные_покупки", 0, 0.99),
        ("Средний_просмотр_категорий_за_визит", 1, 6),
        ("Неоплаченные_продукты_штук_квартал", 0, 10),
        ("Ошибка_сервиса", 0, 9),
        ("Страниц_за_визит", 1, 20),
        ("Прибыль", 0.86, 7.43),
        ("minutes текущий_месяц", 4, 23),
    ],
)
def test_activity_values_keep_to_their_range(
    sample: Sample, column: str, low: float, high: float
) -> None:
    values = sample.people[column].dropna()
    assert values.between(low, high).all()
    assert values.nunique() > 2


def test_labels_are_drawn_from_the_true_probability(sample: Sample) -> None:
    probability = sample.truth.decline.set_index("customer_id")["probability"]
    declines = sample.people[LABEL].eq("Снизилась")
    assert probability.index.equals(declines.index)
    assert 0.34 < declines.mean() < 0.43
    deviation = (declines - probability).sum() / np.sqrt((probability * (1 - probability)).sum())
    assert abs(deviation) < 3


def test_best_roc_auc_is_what_the_true_probability_reaches(sample: Sample) -> None:
    probability = sample.truth.decline["probability"].to_numpy()
    rng = np.random.default_rng(0)
    drawn = [
        roc_auc_score(rng.random(len(probability)) < probability, probability) for _ in range(300)
    ]
    assert sample.truth.best_roc_auc == pytest.approx(0.90, abs=0.01)
    error = np.std(drawn) / np.sqrt(len(drawn))
    assert np.mean(drawn) == pytest.approx(sample.truth.best_roc_auc, abs=4 * error)
    declines = sample.people[LABEL].eq("Снизилась")
    achieved = roc_auc_score(declines, probability)
    assert achieved == pytest.approx(sample.truth.best_roc_auc, abs=3 * np.std(drawn))


def test_expected_roc_auc_by_hand() -> None:
    # 0.8 beats 0.2 with weight 0.64, loses with weight 0.04; equal chances win half the time.
    assert expected_roc_auc(np.array([0.2, 0.8])) == pytest.approx(0.64 / 0.68, abs=1e-6)
    assert expected_roc_auc(np.full(5, 0.3)) == pytest.approx(0.5)


def test_a_plain_model_comes_near_the_best_and_not_beyond(sample: Sample) -> None:
    pairs = duplicate_pairs(sample.people)
    people = sample.people.reset_index(drop=True)
    group = people.index.to_numpy().copy()
    group[pairs[:, 1]] = pairs[:, 0]
    declines = people.pop(LABEL).eq("Снизилась")
    features = pd.get_dummies(people.fillna(people["Прибыль"].median())).astype(float)
    features = features.clip(upper=features.quantile(0.99).clip(lower=1), axis=1)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    score = cross_val_predict(
        model, features, declines, groups=group, cv=folds, method="predict_proba"
    )
    reached = roc_auc_score(declines, score[:, 1])
    print(f"logistic regression, grouped folds: {reached:.4f}")
    assert sample.truth.best_roc_auc - 0.03 < reached < sample.truth.best_roc_auc + 0.01
