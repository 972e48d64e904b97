"""Generate the order lines of the sample, and their dirt."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
FIRST_DAY = np.datetime64("2024-01-01")
DAYS = 731
# Busy from September on; shut at Christmas and on New Year's Day; hardly anybody on Saturdays.
MONTHS = np.array([0.75, 0.72, 0.85, 0.82, 0.92, 0.90, 0.85, 0.82, 1.15, 1.35, 1.75, 1.30])
WEEKDAYS = np.array([1.05, 1.15, 1.10, 1.20, 1.00, 0.06, 0.60])
HOURS = np.array([0.3, 0.7, 1.1, 1.3, 1.7, 1.5, 1.4, 1.3, 0.8, 0.4, 0.2, 0.15])  # from 8 o'clock
COUNTRIES = {
    "United Kingdom": 0.880,
    "Germany": 0.025,
    "France": 0.023,
    "EIRE": 0.015,
    "Spain": 0.010,
    "Netherlands": 0.010,
    "Belgium": 0.009,
    "Switzerland": 0.008,
    "Portugal": 0.007,
    "Australia": 0.005,
    "Norway": 0.005,
    "Finland": 0.003,
}
# What a customer of each kind does. `legacy` is the share that bought before the ledger begins;
# `joined_by` and `gone_by` are shares of the two years; pieces are those of a line at one pound.
ARCHETYPES = pd.DataFrame(
    {
        "wholesale": [240, 0.60, 0.70, np.inf, 22.0, 0.20, 5.5, 20.0, 24.0],
        "regular": [1200, 0.35, 0.93, np.inf, 7.5, 0.20, 3.2, 14.0, 11.0],
        "lapsed": [620, 0.50, 0.20, 0.55, 9.0, 0.20, 3.2, 4.0, 9.0],
        "one_off": [1200, 0.00, 0.97, np.inf, 0.0, 0.00, 2.6, 0.0, 6.0],
    },
    index=[
        "customers",
        "legacy",
        "joined_by",
        "gone_by",
        "orders_a_year",
        "spread",
        "lines",
        "years",
        "pieces",
    ],
).T
STYLES = (
    "RED SPOTTY",
    "VINTAGE ROSE",
    "PAISLEY",
    "IVORY",
    "RETRO STRIPE",
    "BLUE GINGHAM",
    "WOODLAND",
    "DOTCOM",
    "EMPIRE",
    "SET OF 4 JUMBO",
)
NOUNS = {
    "kitchen": ("MUG", "CAKE TIN", "TEA TOWEL", "LUNCH BOX", "EGG CUP"),
    "home": ("PHOTO FRAME", "T-LIGHT HOLDER", "DOORMAT", "WALL CLOCK", "CUSHION COVER"),
    "garden": ("WATERING CAN", "PLANT POT", "WIND CHIME", "BIRD FEEDER", "BUNTING, 5 METRES"),
    "christmas": ("BAUBLE", "ADVENT CALENDAR", "STOCKING", "STAR GARLAND", "REINDEER CANDLE"),
    "paper": ("GIFT WRAP", "NOTEBOOK", "BIRTHDAY CARD", "PENCIL SET", "GIFT BAG"),
    "children": ("SKITTLES", "PUZZLE", "SOFT TOY RABBIT", "PARTY BAG", "NIGHT LIGHT"),
}
PRICES = (0.42, 0.55, 0.85, 1.25, 1.45, 1.65, 1.95, 2.10, 2.55, 2.95, 3.75, 4.95, 6.75, 8.50, 12.75)
HOSTILE = '<script>alert("x")</script> *MUG* $5 #panic()'
CYRILLIC = "КРУЖКА «ЛЕС»"
# Code, description, lowest and highest price, quantity, lines, only on orders from abroad.
SERVICES = (
    ("POST", "POSTAGE", 15.0, 40.0, 1, 700, True),
    ("C2", "CARRIAGE", 25.0, 50.0, 1, 60, True),
    ("DOT", "DOTCOM POSTAGE", 4.0, 30.0, 1, 300, False),
    ("M", "Manual", 1.0, 300.0, 1, 160, False),
    ("D", "Discount", 5.0, 90.0, -1, 45, False),
    ("BANK CHARGES", "Bank Charges", 12.0, 18.0, 1, 24, False),
)
# So many digits can be nothing but a customer in the published book, where a test looks for them.
FIRST_CUSTOMER = 41_000_001
# Pieces, when, and the minutes until the order was cancelled.
GIANTS = ((61_440, "2024-07-23 10:11", 16), (72_000, "2025-09-30 09:42", 12))
LATE_FROM, LATE_UNTIL = np.datetime64("2025-09-29"), np.datetime64("2025-10-01")
PLANTED = {
    "free_sample": 70,
    "missing_description": 160,
    "duplicate": 900,
    "refused_quantity": 14,
    "refused_date": 12,
    "refused_customer": 16,
    "refused_price": 10,
}
WRITE_OFFS = 320
# Encoding, separator, decimal mark, date format, line end. The lines of the late file stand in
# the last two quarters, whose format is the same, as copies would be.
EXPORTS = {
    "2024-Q1": ("utf-8", ",", ".", "%Y-%m-%d %H:%M:%S", "\n"),
    "2024-Q2": ("utf-8", ",", ".", "%Y-%m-%d %H:%M:%S", "\n"),
    "2024-Q3": ("cp1251", ";", ",", "%d.%m.%Y %H:%M", "\r\n"),
    "2024-Q4": ("cp1251", ";", ",", "%d.%m.%Y %H:%M", "\r\n"),
    "2025-Q1": ("utf-8-sig", ";", ",", "%d.%m.%Y %H:%M:%S", "\r\n"),
    "2025-Q2": ("utf-8", "\t", ".", "%Y-%m-%dT%H:%M:%S", "\n"),
    "2025-Q3": ("utf-8", ",", ".", "%Y-%m-%d %H:%M", "\n"),
    "2025-Q4": ("utf-8", ",", ".", "%Y-%m-%d %H:%M", "\n"),
}
FLOAT_IDS = "2024-Q2"
HEADER = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
NEW_NAMES = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}


def busyness() -> Array:
    """Return how busy each day is, one on average: season, weekday and holidays."""
    days = pd.DatetimeIndex(FIRST_DAY + np.arange(DAYS))
    weight = MONTHS[days.month - 1] * WEEKDAYS[days.day_of_week]
    date = days.strftime("%m-%d")
    weight = np.where(date.isin(["12-25", "12-26", "01-01"]), 0.0, weight)
    weight = np.where(date.isin(["12-24", "12-27", "12-28", "12-29", "12-30"]), weight / 3, weight)
    return np.asarray(weight / weight.mean())


def draw_products(rng: np.random.Generator) -> pd.DataFrame:
    """Return 300 products; a few sell often and most seldom."""
    names = [f"{s} {n}" for nouns in NOUNS.values() for n in nouns for s in STYLES]
    count = len(names)
    codes = 20_000 + np.sort(rng.choice(60_000, count, replace=False))
    letters = rng.choice(["", "", "", "", "A", "B", "C"], count)
    popularity = rng.permutation(np.arange(1, count + 1) ** -0.8)
    products = pd.DataFrame(
        {
            "code": [f"{c}{x}" for c, x in zip(codes, letters, strict=True)],
            "description": names,
            "category": np.repeat(list(NOUNS), count // len(NOUNS)),
            "price": rng.choice(PRICES, count),
            "popularity": popularity,
        }
    )
    products.loc[3, "description"] = HOSTILE
    products.loc[7, "description"] = CYRILLIC
    products.loc[11, "code"] = "DCGS0076"
    products.loc[[3, 7, 11], "popularity"] = popularity.max() / 15
    return products


def draw_customers(rng: np.random.Generator, end: float) -> pd.DataFrame:
    """Return who the customers are; times are in average days since the ledger begins."""
    kind = ARCHETYPES.loc[np.repeat(ARCHETYPES.index, ARCHETYPES["customers"].astype(int))]
    kind = kind.rename_axis("archetype").reset_index()
    count = len(kind)
    legacy = rng.random(count) < kind["legacy"]
    # New customers come faster and faster, as in a shop that grows.
    start = np.where(legacy, 0.0, kind["joined_by"] * end * rng.random(count) ** 0.75)
    gone = kind["gone_by"] * end * rng.uniform(0.6, 1.0, count)
    lapse = np.minimum(start + kind["years"] * 365 * rng.exponential(size=count), gone)
    rate = kind["orders_a_year"] * np.exp(kind["spread"] * rng.normal(size=count))
    customers = pd.DataFrame(
        {
            "archetype": kind["archetype"],
            "legacy": legacy,
            "start": start,
            "lapse": np.maximum(lapse, start),
            "rate": rate.round(3),
            "lines": kind["lines"],
            "pieces": kind["pieces"] * np.exp(0.3 * rng.normal(size=count)),
            "country": rng.choice(list(COUNTRIES), count, p=list(COUNTRIES.values())),
        }
    )
    return customers.set_index(pd.Index(FIRST_CUSTOMER + rng.permutation(count), name="customer"))


def draw_orders(rng: np.random.Generator, customers: pd.DataFrame, clock: Array) -> pd.DataFrame:
    """Return orders: a first one when a customer joins, then a Poisson process until the lapse."""
    end = np.minimum(customers["lapse"], clock[-1]).to_numpy()
    start = customers["start"].to_numpy()
    later = rng.poisson(customers["rate"].to_numpy() * (end - start) / 365)
    who = np.repeat(np.arange(len(customers)), later)
    joins = np.flatnonzero(~customers["legacy"])
    when = np.concatenate([start[joins], start[who] + rng.random(len(who)) * (end - start)[who]])
    orders = customers.iloc[np.concatenate([joins, who])].reset_index()
    # Orders at the till, without a customer id: about one line in twelve.
    guest = {"customer": 0, "lines": 5.0, "pieces": 3.0, "country": "United Kingdom"}
    guests = pd.DataFrame(guest, index=range(int(len(orders) * 0.075)))
    when = np.concatenate([when, rng.random(len(guests)) * clock[-1]])
    orders = pd.concat([orders, guests], ignore_index=True)
    minute = 480 + 60 * rng.choice(len(HOURS), len(orders), p=HOURS / HOURS.sum())
    minute = minute + rng.integers(0, 60, len(orders))
    days = FIRST_DAY + np.searchsorted(clock, when, side="right").clip(max=DAYS - 1)
    orders["time"] = days.astype("datetime64[s]") + minute * np.timedelta64(60, "s")
    return orders[["customer", "country", "lines", "pieces", "time"]]


def draw_sale_lines(
    rng: np.random.Generator, orders: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """Return the lines of all orders; no product stands twice on an order."""
    size = np.exp(np.log(orders["lines"]) + 0.55 * rng.normal(size=len(orders)))
    line = orders.loc[np.repeat(orders.index, size.round().clip(1, 30).astype(int))]
    line = line.rename_axis("document").reset_index()
    month = line["time"].dt.month.to_numpy()
    product = np.empty(len(line), dtype=int)
    for number in range(1, 13):
        here = np.flatnonzero(month == number)
        season = products["category"].map(
            {
                "christmas": 4.0 if number >= 10 else 1.2 if number >= 8 else 0.15,
                "garden": 2.2 if 3 <= number <= 7 else 0.5,
            }
        )
        weight = (products["popularity"] * season.fillna(1.0)).to_numpy()
        product[here] = rng.choice(len(products), len(here), p=weight / weight.sum())
    base = products["price"].to_numpy()[product]
    # Cheap things are bought by the dozen, and more than ten pieces come in packs of six.
    pieces = line["pieces"] / np.sqrt(base) * np.exp(0.6 * rng.normal(size=len(line)))
    pieces = np.where(pieces > 10, 6 * np.ceil(pieces / 6), np.maximum(np.round(pieces), 1))
    dearer = np.where(line["time"].dt.year > 2024, 1.04, 1.0)  # prices rose in 2025
    line = line.assign(
        code=products["code"].to_numpy()[product],
        description=products["description"].to_numpy()[product],
        quantity=pieces.astype(int),
        price=np.round(base * dearer, 2),
        cancels=False,
        planted=np.where(line["customer"] == 0, "guest", ""),
    )
    line = line.drop(columns=["lines", "pieces"])
    return line.drop_duplicates(["document", "code"], ignore_index=True)


def plant_dirt(
    rng: np.random.Generator, sales: pd.DataFrame, customers: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """Return the ledger with its dirt; `planted` names what was done to a line, once at most."""
    sales, returned = _cancellations(rng, sales)
    added = [returned, _services(rng, sales), _giants(customers, products), _write_offs(rng, sales)]
    ledger = sales
    for lines in added:  # every part numbers its own documents from zero, or uses those of sales
        own = lines["planted"].ne("service").to_numpy()
        shift = np.where(own, int(ledger["document"].max()) + 1, 0)
        ledger = pd.concat(
            [ledger, lines.assign(document=lines["document"] + shift)], ignore_index=True
        )
    for kind, count in PLANTED.items():
        rows = pick(rng, ledger["planted"].eq(""), count)
        ledger.loc[rows, "planted"] = "duplicated" if kind == "duplicate" else kind
        if kind == "duplicate":
            ledger = pd.concat([ledger, ledger.loc[rows].assign(planted=kind)], ignore_index=True)
    ledger.loc[ledger["planted"].eq("free_sample"), "price"] = 0.0
    ledger.loc[ledger["planted"].eq("missing_description"), "description"] = ""
    ledger = ledger.sort_values(["time", "document", "code"], kind="stable", ignore_index=True)
    prefix = np.where(ledger["cancels"], "C", "")
    number = ledger.groupby(["time", "document"], sort=True).ngroup() + 536_001
    ledger["invoice"] = prefix + number.astype(str).to_numpy()
    ledger["quarter"] = (
        ledger["time"].dt.year.astype(str) + "-Q" + ledger["time"].dt.quarter.astype(str)
    )
    # All that can be read of two days stands in the next file, too: its export began early.
    late = ledger["time"].between(LATE_FROM, LATE_UNTIL, inclusive="left")
    late &= ~ledger["planted"].str.startswith("refused")
    copies = ledger[late].assign(planted="late", quarter="2025-Q4")
    return pd.concat([copies, ledger], ignore_index=True)


def pick(rng: np.random.Generator, candidates: pd.Series, count: int) -> Array:
    """Return the labels of `count` different rows among the candidates."""
    return np.sort(rng.choice(candidates.index[candidates], count, replace=False))


def _cancellations(
    rng: np.random.Generator, sales: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sales, with what comes back marked, and the cancellations: whole and in part."""
    known = sales["planted"].eq("")
    whole = pick(rng, known & ~sales["document"].duplicated(), 330)
    is_whole = sales["document"].isin(sales.loc[whole, "document"])
    part = pick(rng, known & ~is_whole & sales["quantity"].ge(2), 1_300)
    full = sales[is_whole].assign(planted="cancelled_in_full")
    some = sales.loc[part].assign(planted="cancelled_in_part")
    some["quantity"] = rng.integers(1, some["quantity"])
    some["document"] = np.arange(len(some)) + full["document"].max() + 1
    back = pd.concat([full, some], ignore_index=True)
    document, number = np.unique(back["document"], return_inverse=True)
    delay = rng.integers(1, 22, len(document))[number]
    back = back.assign(
        document=number,
        quantity=-back["quantity"],
        cancels=True,
        time=back["time"] + pd.to_timedelta(delay, unit="D"),
    )
    sales = sales.assign(planted=sales["planted"].mask(is_whole | sales.index.isin(part), "back"))
    return sales, back[back["time"] < FIRST_DAY + DAYS]


def _services(rng: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    """Return lines of existing orders that sell no product."""
    parts = []
    first = sales["planted"].eq("") & ~sales["document"].duplicated()
    abroad = sales["country"].ne("United Kingdom")
    for code, description, low, high, quantity, count, only_abroad in SERVICES:
        rows = pick(rng, first & (abroad | (not only_abroad)), count)
        price = rng.uniform(low, high, count).round(2)
        parts.append(
            sales.loc[rows].assign(
                code=code,
                description=description,
                price=price,
                quantity=quantity,
                planted="service",
            )
        )
    return pd.concat(parts, ignore_index=True)


def _giants(customers: pd.DataFrame, products: pd.DataFrame) -> pd.DataFrame:
    """Return two giant orders and their cancellations, some minutes later."""
    active = customers["legacy"] & customers["lapse"].gt(DAYS)
    buyers = customers[active & customers["archetype"].eq("wholesale")].iloc[: len(GIANTS)]
    wanted = products.iloc[20 : 20 + len(GIANTS)].reset_index(drop=True)
    giants = wanted[["code", "description", "price"]].assign(
        document=range(len(GIANTS)),
        customer=buyers.index,
        country=buyers["country"].to_numpy(),
        quantity=[pieces for pieces, _, _ in GIANTS],
        time=[pd.Timestamp(time) for _, time, _ in GIANTS],
        cancels=False,
        planted="giant",
    )
    back = giants.assign(
        document=giants["document"] + len(GIANTS),
        quantity=-giants["quantity"],
        cancels=True,
        time=giants["time"] + pd.to_timedelta([minutes for _, _, minutes in GIANTS], unit="min"),
        planted="giant_cancelled",
    )
    return pd.concat([giants, back], ignore_index=True)


def _write_offs(rng: np.random.Generator, sales: pd.DataFrame) -> pd.DataFrame:
    """Return stock corrections: fewer pieces, no price, no customer, hardly ever a reason."""
    rows = pick(rng, sales["planted"].eq(""), WRITE_OFFS)
    reason = rng.choice(["", "", "damaged", "lost", "wrong barcode"], WRITE_OFFS)
    return sales.loc[rows].assign(
        document=np.arange(WRITE_OFFS),
        customer=0,
        country="United Kingdom",
        description=reason,
        quantity=-rng.integers(1, 200, WRITE_OFFS),
        price=0.0,
        planted="write_off",
    )


def export_quarters(ledger: pd.DataFrame) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return one file a quarter as text, each in its own dialect, and the count of the dirt."""
    planted = ledger["planted"]
    own = planted.ne("late")  # a line of the late file is counted where it belongs
    count = planted.value_counts()
    nameless = ["refused_customer", "refused_price"]
    has_id = own & ledger["customer"].gt(0) & ~planted.isin(nameless)
    dirt = {
        "lines": len(ledger),
        "late_lines": count["late"],
        "duplicate_lines": count["duplicate"],
        "missing_customer_lines": count["guest"] + count["write_off"] + count["refused_price"],
        "cancelled_lines": (own & ledger["cancels"]).sum(),
        "cancelled_invoices": ledger.loc[ledger["cancels"], "invoice"].nunique(),
        "lines_cancelled_in_full": count["cancelled_in_full"] + count["giant_cancelled"],
        "lines_cancelled_in_part": count["cancelled_in_part"],
        "giant_orders_cancelled_within_minutes": count["giant_cancelled"],
        "zero_price_lines": count["free_sample"] + count["write_off"],
        "negative_quantity_lines_not_cancelled": count["write_off"]
        + (planted.eq("service") & ledger["quantity"].lt(0)).sum(),
        "service_lines": count["service"],
        "missing_description_lines": (own & ledger["description"].eq("")).sum(),
        "float_customer_id_lines": (has_id & ledger["quarter"].eq(FLOAT_IDS)).sum(),
        "refused_lines": sum(count[kind] for kind in PLANTED if kind.startswith("refused_")),
        "hostile_description_lines": (own & ledger["description"].eq(HOSTILE)).sum(),
        "cyrillic_description_lines": (own & ledger["description"].eq(CYRILLIC)).sum(),
    }
    dirt |= {f"{kind}_lines": count[kind] for kind in PLANTED if kind.startswith("refused_")}
    files = {
        f"transactions/sales_{quarter}.csv": _dialect(quarter, ledger.query("quarter == @quarter"))
        for quarter in EXPORTS
    }
    return files, {f"transactions.{kind}": int(number) for kind, number in dirt.items()}


def _dialect(quarter: str, lines: pd.DataFrame) -> bytes:
    """Return the file of a quarter, in the dialect of the program that exported it."""
    encoding, separator, decimal, date_format, line_end = EXPORTS[quarter]
    planted = lines["planted"]
    price = lines["price"].where(planted.ne("refused_price"), -lines["price"])
    # A negative price of a known customer would be a refund.
    nobody = lines["customer"].eq(0) | planted.eq("refused_price")
    customer = lines["customer"].astype(str) + (".0" if quarter == FLOAT_IDS else "")
    written = {time: time.strftime(date_format) for time in lines["time"].unique()}
    columns = [
        lines["invoice"],
        lines["code"],
        lines["description"],
        lines["quantity"].astype(str).mask(planted.eq("refused_quantity"), "n/a"),
        lines["time"].map(written).mask(planted.eq("refused_date"), "########"),
        price.map("{:.2f}".format).str.replace(".", decimal),
        customer.mask(nobody, "").mask(planted.eq("refused_customer"), "1.2E+04"),
        lines["country"],
    ]
    table = pd.concat(columns, axis=1).set_axis(HEADER, axis=1)
    if quarter > "2025":  # the shop's program was renewed, and its headings with it
        table = table.rename(columns=NEW_NAMES)
    return csv_text(table, separator, line_end).encode(encoding)


def csv_text(table: pd.DataFrame, separator: str = ",", line_end: str = "\n") -> str:
    """Write a table as text."""
    return str(table.to_csv(index=False, sep=separator, lineterminator=line_end))


def archetype_truth(customers: pd.DataFrame, clock: Array) -> pd.DataFrame:
    """Return what kind each customer is, and whether and when they left for good."""
    lapsed = customers["lapse"].lt(clock[-1])
    day = np.searchsorted(clock, customers["lapse"], side="right").clip(max=DAYS - 1)
    date = pd.Series((FIRST_DAY + day).astype("datetime64[s]"), index=customers.index)
    truth = customers[["archetype"]].assign(
        lapsed=lapsed, lapse_date=date.where(lapsed), orders_a_year=customers["rate"]
    )
    return truth.rename_axis("customer_id").sort_index().reset_index()


def most_orders(ledger: pd.DataFrame, customers: pd.DataFrame, count: int) -> Array:
    """Return the ids of the customers with the most orders, in ascending order."""
    orders = ledger[ledger["customer"].isin(customers.index)].groupby("customer")["document"]
    ranked = orders.nunique().sort_index().sort_values(ascending=False, kind="stable")
    return np.sort(ranked.index.to_numpy()[:count])
