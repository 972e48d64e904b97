"""Make exports of shop systems from orders with a known truth.

The truth is added up here, in whole cents, from the orders themselves, and never read back from a
file. No person, shop or address is real.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
PRODUCTS = [(f"SKU-{n:02}", f"Mug {n}", 350 + 137 * n) for n in range(1, 13)]
COUNTRIES = ("DE", "DE", "DE", "AT", "CH")


@dataclass(frozen=True)
class Line:
    """A product of an order: pieces, the list price and what one piece was sold for, in cents."""

    sku: str
    name: str
    pieces: int
    price: int
    paid: int
    #: Pieces that came back.
    back: int = 0


@dataclass(frozen=True)
class Order:
    """An order as it took place; `day` is the shop's local time."""

    number: int
    email: str
    when: dt.datetime
    country: str
    lines: tuple[Line, ...]
    status: str = "paid"  # paid, unpaid, cancelled
    consent: str = ""
    company: str = ""
    refunded_on: dt.datetime | None = None
    phone: str = ""

    @property
    def goods(self) -> int:
        """What was paid for goods, in cents."""
        return sum(line.pieces * line.paid for line in self.lines)

    @property
    def back(self) -> int:
        """What was given back, in cents."""
        return sum(line.back * line.paid for line in self.lines)


@dataclass(frozen=True)
class Truth:
    """What a ledger of known customers must come to."""

    customers: int
    orders: int
    net: float
    gross: float
    days: Mapping[str, int]
    countries: Mapping[str, int]
    guests: float = 0.0


def addresses(orders: Sequence[Order]) -> set[str]:
    """Return all addresses, as customers are known: in small letters."""
    return {order.email.strip().lower() for order in orders if order.email}


def truth(orders: Sequence[Order], countries: bool = True) -> Truth:
    """Add up the orders: only those that were paid, only customers who are known."""
    sold = [order for order in orders if order.status == "paid"]
    known = [order for order in sold if order.email and order.goods > order.back]
    days = Counter(f"{order.when:%Y-%m-%d}" for order in known)
    by_country = Counter(order.country for order in known) if countries else Counter()
    return Truth(
        customers=len({order.email.strip().lower() for order in known}),
        orders=len(known),
        net=sum(order.goods - order.back for order in known) / 100,
        gross=sum(order.goods for order in sold if order.email) / 100,
        days=dict(days),
        countries=dict(by_country),
        guests=sum(order.goods - order.back for order in sold if not order.email) / 100,
    )


def make_orders(seed: int, number: int = 90) -> list[Order]:
    """Return orders of all kinds, over a change to daylight saving and back."""
    rng = random.Random(seed)
    emails = [f"kim.{n}+shop@example.com" if n % 2 else f"Robin{n}@Example.com" for n in range(22)]
    found = []
    start = dt.datetime(2024, 10, 1, 0, 20)
    for n in range(number):
        when = start + dt.timedelta(days=4 * n, minutes=rng.randrange(60 * 23))
        if n in (0, number - 1):  # between midnight and one: in UTC it is the day before
            when = when.replace(hour=0, minute=40)
        if n == 6:  # the hour that daylight saving takes back is there twice
            when = dt.datetime(2024, 10, 27, 2, 30)
        status = rng.choices(["paid", "unpaid", "cancelled"], [9, 1, 1])[0]
        if n in (0, number - 1):
            status = "paid"
        kind = (
            rng.choices(["none", "part", "whole"], [8, 1, 1])[0]
            if n not in (0, number - 1)
            else "none"
        )
        off = rng.choice([0, 0, 0, 7, 41])
        lines = []
        for sku, name, price in rng.sample(PRODUCTS, rng.randint(1, 4)):
            pieces = rng.choice([1, 1, 2, 3])
            back = {"none": 0, "part": min(pieces, rng.randint(0, 2)), "whole": pieces}[kind]
            lines.append(Line(sku, name, pieces, price, price - off, back))
        guest = n % 9 == 4
        email = "" if guest else rng.choice(emails)
        email = email.upper() if email and rng.random() < 0.1 else email
        found.append(
            Order(
                number=1000 + n,
                email=email,
                when=when,
                country=rng.choice(COUNTRIES),
                lines=tuple(lines),
                status=status,
                consent=rng.choice(["yes", "no"]),
                company=rng.choice(["", "", "Sample GmbH"]),
                refunded_on=when + dt.timedelta(days=11) if kind != "none" else None,
            )
        )
    return found


def money(cents: int) -> str:
    """Write cents as programs do."""
    return f"{cents / 100:.2f}"


def with_offset(when: dt.datetime) -> str:
    """Write a local moment with the shop's offset, as Shopify does."""
    return when.replace(tzinfo=ZONE).strftime("%Y-%m-%d %H:%M:%S %z")


def write_csv(header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a CSV file; a cell that a row does not have is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


SHOPIFY = [
    "Name",
    "Email",
    "Financial Status",
    "Paid at",
    "Fulfillment Status",
    "Accepts Marketing",
    "Currency",
    "Subtotal",
    "Shipping",
    "Taxes",
    "Total",
    "Discount Code",
    "Discount Amount",
    "Created at",
    "Lineitem quantity",
    "Lineitem name",
    "Lineitem price",
    "Lineitem sku",
    "Billing Name",
    "Billing Street",
    "Billing Company",
    "Billing Zip",
    "Billing Country",
    "Notes",
    "Cancelled at",
    "Payment Method",
    "Refunded Amount",
    "Id",
    "Tags",
    "Source",
    "Lineitem discount",
    "Phone",
]


def shopify(orders: Sequence[Order]) -> str:
    """Return orders as Shopify exports them: the order's cells on its first row, newest first."""
    rows = []
    for order in sorted(orders, key=lambda one: one.when, reverse=True):
        off = sum(line.pieces * (line.price - line.paid) for line in order.lines)
        status = {"paid": "paid", "unpaid": "pending", "cancelled": "voided"}[order.status]
        if order.status == "paid" and order.back:
            status = "refunded" if order.back == order.goods else "partially_refunded"
        shipping = 495
        # A full refund gives the shipping back, too.
        given = order.back + (shipping if order.back == order.goods and order.back else 0)
        head = {
            "Financial Status": status,
            "Accepts Marketing": order.consent,
            "Currency": "EUR",
            "Subtotal": money(order.goods),
            "Shipping": money(shipping),
            "Taxes": "1.00",
            "Total": money(order.goods + shipping),
            "Discount Code": "WELCOME" if off else "",
            "Discount Amount": money(off),
            "Billing Name": f"Robin Muster {order.number}",
            "Billing Street": "Beispielweg 7",
            "Billing Company": order.company,
            "Billing Zip": "'01234",
            "Billing Country": order.country,
            "Cancelled at": with_offset(order.when) if order.status == "cancelled" else "",
            "Refunded Amount": money(given if order.status == "paid" else 0),
            "Id": str(5_000_000_000 + order.number),
            "Source": "web",
            "Phone": order.phone,
        }
        for place, line in enumerate(order.lines):
            rows.append(
                {
                    "Name": f"#{order.number}",
                    "Email": order.email,
                    "Created at": with_offset(order.when),
                    "Lineitem quantity": line.pieces,
                    "Lineitem name": line.name,
                    "Lineitem price": money(line.price),
                    "Lineitem sku": line.sku,
                    "Lineitem discount": "0.00",
                    **(head if place == 0 else {}),
                }
            )
    return write_csv(SHOPIFY, rows)


ALGOLPLUS = [
    "Order Number",
    "Order Status",
    "Order Date",
    "First Name (Billing)",
    "Last Name (Billing)",
    "Company (Billing)",
    "Country Code (Billing)",
    "Email (Billing)",
    "Phone (Billing)",
    "Cart Discount Amount",
    "Order Subtotal Amount",
    "Order Refund Amount",
    "Order Total Amount",
    "SKU",
    "Item #",
    "Item Name",
    "Quantity (- Refund)",
    "Item Cost",
    "Coupon Code",
    "Currency",
]


def algolplus(orders: Sequence[Order]) -> str:
    """Return orders as the AlgolPlus plug-in exports them: quantities less what came back."""
    words = {"paid": "Completed", "unpaid": "Pending payment", "cancelled": "Cancelled"}
    rows = []
    for order in orders:
        whole = order.status == "paid" and order.back == order.goods
        for place, line in enumerate(order.lines, 1):
            rows.append(
                {
                    "Order Number": order.number,
                    "Order Status": "Refunded" if whole else words[order.status],
                    "Order Date": f"{order.when:%Y-%m-%d %H:%M}",
                    "First Name (Billing)": "Robin",
                    "Last Name (Billing)": f"Muster {order.number}",
                    "Company (Billing)": order.company,
                    "Country Code (Billing)": order.country,
                    "Email (Billing)": order.email,
                    "Order Refund Amount": money(order.back),
                    "SKU": line.sku,
                    "Item #": place,
                    "Item Name": line.name,
                    "Quantity (- Refund)": line.pieces - line.back,
                    "Item Cost": money(line.paid),
                    "Currency": "EUR",
                }
            )
    return write_csv(ALGOLPLUS, rows)


SKYVERGE = [
    "order_id",
    "order_number",
    "date",
    "status",
    "shipping_total",
    "tax_total",
    "order_total",
    "refunded_total",
    "order_currency",
    "customer_id",
    "billing_first_name",
    "billing_last_name",
    "billing_company",
    "billing_email",
    "billing_phone",
    "billing_country",
    "item_id",
    "item_product_id",
    "item_name",
    "item_sku",
    "item_quantity",
    "item_subtotal",
    "item_total",
    "item_refunded",
    "item_refunded_qty",
]


def skyverge(orders: Sequence[Order]) -> str:
    """Return orders as the SkyVerge plug-in exports them: refunds beside the lines."""
    words = {"paid": "completed", "unpaid": "on-hold", "cancelled": "cancelled"}
    rows = []
    for order in orders:
        whole = order.status == "paid" and order.back == order.goods
        rows += [
            {
                "order_id": order.number,
                "order_number": order.number,
                "date": f"{order.when:%Y-%m-%d %H:%M:%S}",
                "status": "refunded" if whole else words[order.status],
                "shipping_total": "4.16",
                "order_total": money(order.goods + 416),
                "refunded_total": money(order.back),
                "order_currency": "EUR",
                "customer_id": "0",
                "billing_last_name": f"Muster {order.number}",
                "billing_company": order.company,
                "billing_email": order.email,
                "billing_country": order.country,
                "item_id": f"{order.number}{line.sku[-2:]}",
                "item_name": line.name,
                "item_sku": line.sku,
                "item_quantity": line.pieces,
                "item_subtotal": money(line.pieces * line.price),
                "item_total": money(line.pieces * line.paid),
                "item_refunded": money(line.back * line.paid),
                "item_refunded_qty": line.back,
            }
            for line in order.lines
        ]
    return write_csv(SKYVERGE, rows)


SQUARE = [
    "Date",
    "Time",
    "Time Zone",
    "Category",
    "Item",
    "Qty",
    "SKU",
    "Gross Sales",
    "Discounts",
    "Net Sales",
    "Tax",
    "Transaction ID",
    "Payment ID",
    "Notes",
    "Details",
    "Event Type",
    "Location",
    "Customer ID",
    "Customer Name",
    "Itemization Type",
    "Channel",
    "Card Brand",
    "PAN Suffix",
]


def dollars(cents: int) -> str:
    """Write cents as Square does: a sign, marks between thousands, and a minus before both."""
    return f"{'-' if cents < 0 else ''}${abs(cents) / 100:,.2f}"


def square(orders: Sequence[Order]) -> str:
    """Return orders as Square exports items: refunds are rows of their own, with their own date."""
    rows = []

    def row(order: Order, when: dt.datetime, line: Line, pieces: int, event: str) -> dict[str, Any]:
        paid = pieces * line.paid
        return {
            "Date": f"{when:%Y-%m-%d}",
            "Time": f"{when:%H:%M:%S}",
            "Time Zone": "Berlin",
            "Item": line.name,
            "Qty": f"{pieces}.0",
            "SKU": line.sku,
            "Gross Sales": dollars(pieces * line.price),
            "Discounts": dollars(pieces * (line.paid - line.price)),
            "Net Sales": f"({dollars(-paid)})" if paid < 0 and line.pieces == 3 else dollars(paid),
            "Tax": "$0.00",
            "Transaction ID": f"T{order.number}" if pieces > 0 else f"R{order.number}",
            "Event Type": event,
            "Location": "Main street",
            "Customer ID": f"CUST{order.email.strip().upper()}" if order.email else "",
            "Customer Name": f"Robin Muster {order.number}",
            "Itemization Type": "Physical Good",
            "Channel": "In person",
            "PAN Suffix": "4242",
        }

    for order in orders:
        if order.status != "paid":
            continue  # what was not paid is in no till
        rows += [row(order, order.when, line, line.pieces, "Payment") for line in order.lines]
        if order.refunded_on:
            back = [line for line in order.lines if line.back]
            rows += [row(order, order.refunded_on, line, -line.back, "Refund") for line in back]
    return write_csv(SQUARE, rows)


def commerceml(orders: Sequence[Order], encoding: str = "utf-8", version: str = "2.05") -> bytes:
    """Return orders as sites and 1C exchange them; returns are documents of their own."""
    out = [
        f'<?xml version="1.0" encoding="{encoding}"?>',
        f'<КоммерческаяИнформация ВерсияСхемы="{version}" ДатаФормирования="2025-11-26">',
    ]
    three = version.startswith("3")

    def document(order: Order, number: str, when: dt.datetime, back: bool) -> str:
        lines = [line for line in order.lines if not back or line.back]
        pieces = [line.back if back else line.pieces for line in lines]
        goods = sum(n * line.paid for n, line in zip(pieces, lines, strict=True))
        status = {"paid": "Выполнен", "unpaid": "Новый", "cancelled": "Отменен"}[order.status]
        key = "СтатусЗаказа" if three else "Статус заказа"
        products = "".join(
            f"<Товар><Ид>7#{line.sku}</Ид><Артикул>{line.sku}</Артикул>"
            f"<Наименование>{escape(line.name)}</Наименование>"
            f"<ЦенаЗаЕдиницу>{money(line.paid)}</ЦенаЗаЕдиницу><Количество>{n}</Количество>"
            f"<Сумма>{money(n * line.paid)}</Сумма></Товар>"
            for n, line in zip(pieces, lines, strict=True)
        )
        delivery = (
            ""
            if back
            else "<Товар><Ид>ORDER_DELIVERY</Ид><Наименование>Доставка заказа</Наименование>"
            "<ЦенаЗаЕдиницу>5.00</ЦенаЗаЕдиницу><Количество>1</Количество><Сумма>5.00</Сумма></Товар>"
        )
        mail = escape(order.email)
        buyer = (
            f"<Контрагенты><Контрагент><Ид>{order.email.strip().lower()}#login#Робин Пример</Ид>"
            f"<Наименование>Робин Пример {order.number}</Наименование><Роль>Покупатель</Роль>"
            f"<Контакты><Контакт><Тип>Почта</Тип><Значение>{mail}</Значение></Контакт></Контакты>"
            "</Контрагент></Контрагенты>"
            if order.email
            else ""
        )
        text = (
            f"<Документ><Ид>{number}</Ид><Номер>{number}</Номер><Дата>{when:%Y-%m-%d}</Дата>"
            f"<Время>{when:%H:%M:%S}</Время>"
            f"<ХозОперация>{'Возврат товара' if back else 'Заказ товара'}</ХозОперация>"
            f"<Роль>Продавец</Роль><Валюта>RUB</Валюта><Курс>1</Курс>"
            f"<Сумма>{money(goods + (0 if back else 500))}</Сумма>{buyer}"
            f"<Товары>{products}{delivery}</Товары><ЗначенияРеквизитов>"
            f"<ЗначениеРеквизита><Наименование>{key}</Наименование><Значение>{status}</Значение>"
            f"</ЗначениеРеквизита><ЗначениеРеквизита><Наименование>Отменен</Наименование>"
            f"<Значение>{'true' if order.status == 'cancelled' else 'false'}</Значение>"
            "</ЗначениеРеквизита></ЗначенияРеквизитов></Документ>"
        )
        return f"<Контейнер>{text}</Контейнер>" if three else text

    for order in orders:
        out.append(document(order, str(order.number), order.when, back=False))
        if order.status == "paid" and order.refunded_on and order.back:
            out.append(document(order, f"В{order.number}", order.refunded_on, back=True))
    out.append("</КоммерческаяИнформация>")
    return "\n".join(out).encode(encoding)


STRIPE = [
    "id",
    "Description",
    "Created (UTC)",
    "Amount",
    "Amount Refunded",
    "Currency",
    "Converted Amount",
    "Converted Amount Refunded",
    "Converted Currency",
    "Fee",
    "Mode",
    "Status",
    "Customer ID",
    "Customer Email",
    "Card Fingerprint",
    "Card Last4",
]


def stripe(orders: Sequence[Order]) -> str:
    """Return orders as Stripe exports payments: in UTC, one row a payment."""
    rows = []
    for order in orders:
        moment = order.when.replace(tzinfo=ZONE).astimezone(dt.UTC)
        state = {"paid": "Paid", "unpaid": "Failed", "cancelled": "Canceled"}[order.status]
        whole = order.status == "paid" and order.back == order.goods
        rows.append(
            {
                "id": f"ch_{order.number}",
                "Created (UTC)": f"{moment:%Y-%m-%d %H:%M:%S}",
                "Amount": money(order.goods),
                "Amount Refunded": money(order.back),
                "Currency": "eur",
                "Converted Amount": money(order.goods),
                "Converted Amount Refunded": money(order.back),
                "Converted Currency": "eur",
                "Mode": "Live",
                "Status": "Refunded" if whole else state,
                "Customer Email": order.email,
            }
        )
    return write_csv(STRIPE, rows)


#: Profile -> the file's name, and how the file is made.
EXPORTS: dict[str, tuple[str, Callable[[Sequence[Order]], str | bytes]]] = {
    "shopify": ("orders_export_1.csv", shopify),
    "woocommerce-algolplus": ("orders-2025-11-26.csv", algolplus),
    "woocommerce-skyverge": ("orders.csv", skyverge),
    "square": ("items-2025.csv", square),
    "commerceml": ("orders.xml", commerceml),
    "stripe": ("payments.csv", stripe),
}
