"""Read when orders were placed: the shop's local time is kept, and UTC moved to it."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import ibis
import pandas as pd
from ibis.backends.duckdb import Backend
from ibis.util import gen_name

from analysis.core.assumptions import Assumption, state
from analysis.core.settings import TransactionSettings
from analysis.orders.dates import DateForm, read_date, weigh_dates


def read_moments(engine: Backend, date: pd.Series, settings: TransactionSettings) -> pd.Series:
    """Return dates as moments; null where one cannot be read.

    Where a column could be read in two ways, this is one of them: the ledger's own contract
    refuses such dates.
    """
    texts = date.dropna().drop_duplicates()
    nothing = pd.Series(pd.NaT, date.index, dtype="datetime64[us]")
    if texts.empty:
        return nothing
    table = ibis.memtable(pd.DataFrame({"text": texts.to_numpy(dtype=object)}))
    tomorrow = dt.date.today() + dt.timedelta(days=1)
    table = engine.create_table(gen_name("export_dates"), table, temp=True)
    found = weigh_dates(table.text, settings.date_formats, settings.earliest_date, tomorrow)
    form = found.forms[0] if found.forms else DateForm()
    read = engine.to_pandas(table.select("text", moment=read_date(table.text, form)))
    values = dict(zip(read["text"], read["moment"], strict=True))
    moments = date.map(values)
    return pd.to_datetime(moments).astype("datetime64[us]")


def move_to_shop(moment: pd.Series, zone: str, source: str) -> tuple[pd.Series, list[Assumption]]:
    """Move moments in UTC to the shop's time zone, and say so.

    Examples
    --------
    >>> late = pd.Series(pd.to_datetime(["2025-03-30 00:30", "2025-03-30 01:30"]))
    >>> move_to_shop(late, "Europe/Berlin", "")[0].dt.hour.tolist()
    [1, 3]
    """
    if zone:
        local = moment.dt.tz_localize("UTC").dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None)
        said = state("assumed-exports.utc-moved", zone=zone)
    else:
        local = moment
        said = state("assumed-exports.utc")
    told = Assumption("time", said, source=source, setting="transactions.timezone")
    return local, [told]
