"""Write the customer lists of each segment and the contact lists, which stay private.

They are written into the build's folder ``export``, which no chapter reads and no site holds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.core import files as core_files
from analysis.core.names import ACTIVITY, LEDGER
from analysis.core.problems import Problem, Refused
from analysis.core.spreadsheets import write_csv
from analysis.segments.names import tells_levels

#: What each customer may buy next, a row a product.
NEXT_PRODUCTS = "next-products/next-products.csv"
#: Who is contacted and who is held out: to be completed with the day, and put beside the next data.
GROUPS = "groups.csv"
PRODUCT_COLUMNS = ["customer_id", "list", "place", "stock_code", "description"]
COLUMNS = ["customer_id", "segment", "cluster", "recency_days", "frequency", "monetary"]
#: What the column says of a customer's consent to messages.
CONSENTED, UNKNOWN_CONSENT = "yes", "not in the ledger: check before contacting"
#: The folders of the rendered book and of the published one.
PUBLISHED = {"_book", "_site", "sites"}
#: Names that Windows keeps for devices, whatever the ending.
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)\d")


def write_lists(build: Path, addresses: Mapping[str, str] | None = None) -> list[Path]:
    """Write one CSV file a segment, and one for each action: whom to contact, best first.

    Parameters
    ----------
    build
        The folder of a build.
    addresses
        Of customers whom a build knows by pseudonyms; each list then has a column of them.

    Returns
    -------
    list of Path
        The files written, in alphabetical order: the segments' in ``export``, the actions' in
        ``export/contacts``, next products in ``export/next-products``, and who is contacted or held
        out in ``export/groups.csv``. A manifest lies beside them:
        the day, the data's version, rows and SHA-256 of each file, and what was assumed.

    Raises
    ------
    Refused
        When the folder holds no build, or one without customers, or is published.
    """
    out = build / "export"
    if PUBLISHED & set(out.resolve().parts):
        raise _refusal(
            build,
            "this folder is published, and lists of customers must not be",
            "Name the folder of a build outside _book, _site and sites with --out.",
        )
    customers, regular = _table(build, "customers"), _table(build, "activity")
    actions = _table(build, "actions")
    if customers.empty and (regular.empty or actions.empty):
        raise _no_build(build)
    sizes = customers["segment"].value_counts().sort_index() if len(customers) else pd.Series()
    about = core_files.read_json(build / core_files.MANIFEST)
    lists = _segment_lists(customers) | contact_lists(actions, customers, regular)
    groups = campaign_groups(actions, customers, regular, about)
    if len(groups):
        lists[GROUPS] = groups
    products = _table(build, "next_products")
    refused = _refusing(customers)
    if len(products):
        products = products[~products["customer_id"].astype("str").isin(refused)]
        lists[NEXT_PRODUCTS] = products[
            ["customer_id", "list", "place", "stock_code", "description"]
        ]
    with core_files.replacing(out) as new:
        files: dict[str, dict[str, Any]] = {}
        for name, table in lists.items():
            path = new / name
            path.parent.mkdir(exist_ok=True)
            write_csv(_with_addresses(table, addresses or {}, refused), path)
            files[name] = {"rows": len(table), "sha256": core_files.file_hash(path)}
        core_files.write_json(
            new / core_files.MANIFEST,
            {
                "key": about.get("key", ""),
                "as_of": about.get("as_of", ""),
                "data_version": core_files.data_version(about),
                "customers": {str(segment): int(n) for segment, n in sizes.items()},
                "files": files,
                "assumptions": assumptions(actions, about.get("settings", {})),
            },
        )
    return sorted(out.rglob("*.csv"))


def _with_addresses(
    table: pd.DataFrame, addresses: Mapping[str, str], refused: set[str]
) -> pd.DataFrame:
    """Put a column of addresses beside the customers' ids; who refused messages has none."""
    if not addresses:
        return table
    ids = table["customer_id"].astype("str")
    found = table.copy()
    place = [*table.columns].index("customer_id") + 1
    found.insert(place, "address", ids.map(dict(addresses)).where(~ids.isin(refused)))
    return found


def _refusing(customers: pd.DataFrame) -> set[str]:
    """Return the customers of the orders who are known to refuse messages."""
    if "consent" not in customers:
        return set()
    refused = customers["consent"].eq(False).fillna(False).astype(bool)
    return set(customers.loc[refused, "customer_id"].astype("str"))


def _table(build: Path, name: str) -> pd.DataFrame:
    path = build / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _no_build(build: Path) -> Refused:
    if (build / core_files.MANIFEST).is_file():
        return _refusal(
            build,
            "this build has no ledger and no model of regular customers, and so nobody to export",
            "Run 'python -m analysis build' on a folder with a ledger, or with the four tables.",
        )
    return _refusal(build, "there is no build here", "Run 'python -m analysis build' first.")


def _segment_lists(customers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the customers of each segment, by the name of their file."""
    if customers.empty:
        return {}
    names = file_names(sorted(map(str, customers["segment"].unique())))
    groups = customers.groupby(customers["segment"].astype("str"))
    return {names[str(segment)]: members[COLUMNS] for segment, members in groups}


def contact_lists(
    actions: pd.DataFrame, customers: pd.DataFrame, regular: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return whom to contact for each action, by the name of the file.

    Parameters
    ----------
    actions
        From `strategy.value.value_actions`, both halves; may be empty.
    customers, regular
        The customers of the ledger, and the regular customers, with action and expected_value;
        either may be empty. Of the regular customers only those are listed who consented and have
        an action. There is no list for an action that is not expected to pay, or whose value is
        not known.

    Returns
    -------
    dict
        Tables with place (1 first), customer_id, segment, the probability (of staying away, or of
        buying less), expected_value (of the contact, less its cost), action, channel, offer
        (regular customers have one of their own), offer_reason (of regular customers), consent.
    """
    halves = {
        LEDGER: (customers, "segment", "lapse_probability", "monetary"),
        ACTIVITY: (regular, "risk_group", "decline_probability", "profit"),
    }
    found = {}
    for half, (people, group, probability, size) in halves.items():
        own = actions[actions["half"] == half] if len(actions) else actions
        if own.empty or "expected_value" not in people:
            continue
        if half == ACTIVITY:
            people = people[people["consent"].eq(True) & people["action"].notna()]
        elif "consent" in people:
            # Without an action are those who may not be contacted, as the settings say.
            refused = people["consent"].eq(False).fillna(False).astype(bool)
            people = people[~refused & people["action"].notna()]
        for (_, action), name in zip(
            own.iterrows(), file_names(map(str, own["segment"])).values(), strict=True
        ):
            if not action["listed"]:
                continue
            members = people[people[group] == action["segment"]]
            members = members.sort_values(
                ["expected_value", size, "customer_id"],
                ascending=[False, False, True],
                ignore_index=True,
            )
            if members.empty:
                continue
            # A probability that only ranks customers is not shown as a number.
            shown = probability in members and (half == ACTIVITY or tells_levels(people))
            known = members[probability] if shown else float("nan")
            found[f"contacts/{half}-{name}"] = pd.DataFrame(
                {
                    "place": range(1, len(members) + 1),
                    "customer_id": members["customer_id"],
                    "segment": members[group],
                    probability: known,
                    "expected_value": members["expected_value"],
                    "action": action["action"],
                    "channel": action["channel"],
                    "offer": members["offer"] if "offer" in members else action["offer"],
                    **({"offer_reason": members["offer_reason"]} if "offer" in members else {}),
                    "consent": CONSENTED if half == ACTIVITY else _consent(members),
                }
            ).round({probability: 4, "expected_value": 4})
    return found


def campaign_groups(
    actions: pd.DataFrame,
    customers: pd.DataFrame,
    regular: pd.DataFrame,
    about: Mapping[str, Any],
) -> pd.DataFrame:
    """Return who is contacted and who is held out, as `campaign_files.read_campaigns` reads it.

    Parameters
    ----------
    actions, customers, regular
        As `contact_lists` takes them, customers with group.
    about
        The build's manifest.

    Returns
    -------
    pandas.DataFrame
        customer_id, campaign (as-of date and segment), group, sent_on (empty: the day is entered
        when the messages are sent), control_share, cost_per_contact, cost_per_order, half, segment.
    """
    share = about.get("settings", {}).get("campaigns", {}).get("control_share", "")
    parts = []
    for half, people, group in (
        (LEDGER, customers, "segment"),
        (ACTIVITY, regular, "risk_group"),
    ):
        own = actions[actions["half"] == half] if len(actions) else actions
        if own.empty or "group" not in people:
            continue
        costs = own.set_index("segment")[["message_cost", "offer_cost"]]
        members = people[people["group"].notna()].sort_values([group, "customer_id"])
        segment = members[group].astype("str")
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": members["customer_id"],
                    "campaign": f"{about.get('as_of', '')} " + segment,
                    "group": members["group"],
                    "sent_on": "",
                    "control_share": share,
                    "cost_per_contact": segment.map(costs["message_cost"]),
                    "cost_per_order": segment.map(costs["offer_cost"]),
                    "half": half,
                    "segment": segment,
                }
            ).round(4)
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _consent(members: pd.DataFrame) -> pd.Series | str:
    """Return what the list says of each customer's consent."""
    if "consent" not in members:
        return UNKNOWN_CONSENT
    agreed = members["consent"].eq(True).fillna(False).astype(bool)
    return agreed.map({True: CONSENTED, False: UNKNOWN_CONSENT})


def assumptions(actions: pd.DataFrame, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the expected values rest on: the settings, and each action's own.

    Parameters
    ----------
    actions
        As `contact_lists` takes them.
    settings
        Of the build's manifest.
    """
    names = [
        "cost_per_contact",
        "uplift_low",
        "uplift",
        "uplift_high",
        "movable",
        "value_per_customer",
    ]
    rows = actions.dropna(subset=["value_per_contact"]) if len(actions) else actions
    return {
        **{name: settings[name] for name in ("strategy", "contact") if name in settings},
        "actions": {
            f"{row['half']}: {row['segment']}": {name: float(row[name]) for name in names}
            for row in rows.to_dict("records")
        },
    }


def _refusal(build: Path, rule: str, remedy: str) -> Refused:
    return Refused([Problem(str(build), rule, remedy=remedy)])


def file_names(segments: Iterable[str]) -> dict[str, str]:
    """Return a file name for each segment: no two the same, also where case does not count.

    Examples
    --------
    >>> file_names(["At risk", "At risk!"])
    {'At risk': 'at-risk.csv', 'At risk!': 'at-risk-2.csv'}
    """
    names: dict[str, str] = {}
    for segment in segments:
        name, number = slug(segment), 1
        while f"{name}.csv" in names.values():
            number += 1
            name = f"{slug(segment)}-{number}"
        names[segment] = f"{name}.csv"
    return names


def slug(name: str) -> str:
    """Return a name that is safe as a file's: letters, digits and hyphens, and not too many.

    Examples
    --------
    >>> slug("Cannot lose them")
    'cannot-lose-them'
    >>> slug("../../etc/passwd"), slug("NUL"), slug("?!")
    ('etc-passwd', 'nul-segment', 'unnamed')
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    short = re.sub(r"[\W_]+", "-", plain).strip("-")[:50].strip("-")
    return f"{short}-segment" if DEVICES.fullmatch(short) else short or "unnamed"
