"""Read orders in CommerceML 2 and 3, the XML that Russian shops exchange with 1C.

Each product of each document becomes a row of a flat table, whose columns are named after the
elements of the file; ``data/profiles/commerceml.toml`` says what they mean. The file is streamed,
document by document. Document types and entities are refused: an order has none, and they can make
a small file fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.core.assumptions import Assumption, state
from analysis.ingest.parts import ROW, Part, new_part, refusal

#: The columns of the table, in their order.
COLUMNS = (
    *("Документ.Номер", "Документ.Дата", "Документ.Время", "Документ.ХозОперация"),
    *("Документ.Статус", "Документ.Отменен", "Документ.Валюта", "Документ.СуммаТоваров"),
    "Документ.Скидка",
    *("Контрагент.Ид", "Контрагент.Почта", "Контрагент.Телефон", "Контрагент.ИНН"),
    "Контрагент.Страна",
    *("Товар.Ид", "Товар.Артикул", "Товар.Наименование", "Товар.Количество", "Товар.Сумма"),
    "Товар.Скидка",
)
#: Documents that sell, and that take back; all others (payments, shipments) concern the same goods.
ORDER, RETURN = ("Заказ товара", "Заказ покупателя"), ("Возврат товара", "Возврат")
DELIVERY = "ORDER_DELIVERY"
_ROOT, _DOCUMENT = "КоммерческаяИнформация", "Документ"
_STATUS = ("статус заказа", "статусзаказа", "статус")
_CANCELLED = ("отменен", "отменён", "заказ отменен", "заказ отменён")
_YES = ("true", "1", "да")
#: No document nests deeper, and none is longer.
_DEEPEST, _LONGEST = 60, 64 << 20
_BLOCK, _ROWS = 1 << 16, 50_000


class _Reader:
    """Take a file's elements, and keep those of one document at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.documents: list[Element] = []
        self._open: list[str] = []
        self._builder: TreeBuilder | None = None
        self._size = 0
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._forbid
        parser.EntityDeclHandler = self._forbid
        parser.ExternalEntityRefHandler = self._forbid
        self.feed: Callable[[bytes, bool], int] = parser.Parse

    def _forbid(self, *_: object) -> int:
        raise refusal(
            self.path,
            "it declares a document type or entities, which an exchange of orders never does",
            "Ask its sender what it is; do not open it.",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self._open and name != _ROOT:
            raise refusal(
                self.path,
                f"this is no CommerceML: its first element is {name[:40]!r}",
                f"Orders in XML are read where the first element is {_ROOT!r}. Export other data "
                "as .csv or .xlsx.",
            )
        self._open.append(name)
        if len(self._open) > _DEEPEST:
            raise refusal(
                self.path,
                f"its elements are nested more than {_DEEPEST} deep",
                "Export the file again.",
            )
        if name == _DOCUMENT and self._builder is None:
            self._builder, self._size = TreeBuilder(), 0
        if self._builder is not None:
            self._builder.start(name, {})

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._size += len(text)
            if self._size > _LONGEST:
                raise refusal(
                    self.path,
                    f"one document is longer than {_LONGEST:,} characters",
                    "Export the file again.",
                )
            self._builder.data(text)

    def _end(self, name: str) -> None:
        name = self._open.pop()
        if self._builder is None:
            return
        self._builder.end(name)
        if name == _DOCUMENT and _DOCUMENT not in self._open:
            self.documents.append(self._builder.close())
            self._builder = None


def read_commerceml(path: Path, work: Path) -> Part:
    """Copy the orders of a CommerceML file as Parquet, a row for each product.

    Raises
    ------
    Refused
        When it is no CommerceML, is broken, or declares entities.
    """
    target = new_part(work)
    schema = pa.schema([*((name, pa.string()) for name in COLUMNS), (ROW, pa.int64())])
    rows, others = 0, 0
    waiting: list[dict[str, object]] = []
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:

        def write() -> None:
            batch = pa.Table.from_pylist(waiting, schema=schema)
            writer.write_table(batch)
            waiting.clear()

        for document in _documents(path):
            if _text(document, "ХозОперация") not in (*ORDER, *RETURN, ""):
                others += 1
                continue
            for line in _lines(document):
                rows += 1
                waiting.append({**line, ROW: rows})
            if len(waiting) >= _ROWS:
                write()
        write()
    told: tuple[Assumption, ...] = ()
    if others:
        said = state("assumed-exports.other-documents", number=f"{others:,}")
        told = (Assumption("left out", said, source=path.name),)
    return Part(path.name, path.name, target, COLUMNS, rows, numbered=True, assumptions=told)


def _documents(path: Path) -> Iterator[Element]:
    reader = _Reader(path)
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                reader.feed(block, False)
                yield from reader.documents
                reader.documents.clear()
        reader.feed(b"", True)
        yield from reader.documents
    except (expat.ExpatError, LookupError, ValueError) as error:
        place = f" in line {error.lineno}" if isinstance(error, expat.ExpatError) else ""
        raise refusal(
            path,
            f"the file cannot be read as XML{place}",
            "It may be damaged or cut short. Export it again.",
        ) from None


def _text(element: Element | None, *names: str) -> str:
    """Return the text of the first child of these names that has one."""
    for name in names if element is not None else ():
        found = element.findtext(name)  # type: ignore[union-attr]
        if found and found.strip():
            return found.strip()
    return ""


def _requisites(element: Element) -> dict[str, str]:
    """Return what an element says of itself: name in small letters -> value."""
    found: dict[str, str] = {}
    for one in element.iterfind("ЗначенияРеквизитов/ЗначениеРеквизита"):
        found.setdefault(_text(one, "Наименование").casefold(), _text(one, "Значение"))
    return found


def _discount(element: Element) -> str:
    """Return the discounts that the sum of an element does not allow for yet."""
    total = 0.0
    for one in element.iterfind("Скидки/Скидка"):
        if _text(one, "УчтеноВСумме").casefold() not in _YES:
            total += _number(_text(one, "Сумма"))
    return f"{total:.2f}" if total else ""


def _number(text: str) -> float:
    """Read a number as programs write it; nought where it is none."""
    try:
        return float(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        return 0.0


def _buyer(document: Element) -> Element | None:
    found = document.findall("Контрагенты/Контрагент")
    buyers = [one for one in found if _text(one, "Роль").casefold() in ("покупатель", "клиент")]
    return next(iter(buyers or found), None)


def _contact(buyer: Element | None, *words: str) -> str:
    for one in buyer.iterfind(".//Контакт") if buyer is not None else ():
        kind = _text(one, "Тип", "КонтактВид").casefold()
        if any(word in kind for word in words) and (value := _text(one, "Значение")):
            return value
    return ""


def _lines(document: Element) -> Iterator[dict[str, str | None]]:
    requisites, buyer = _requisites(document), _buyer(document)
    products = document.findall("Товары/Товар")
    total = _text(document, "Сумма")
    delivery = sum(
        _number(_text(one, "Сумма")) for one in products if _text(one, "Ид").startswith(DELIVERY)
    )
    identity = _text(buyer, "Ид").partition("#")[0].strip()
    order = {
        "Документ.Номер": _text(document, "Номер", "Ид"),
        "Документ.Дата": _text(document, "Дата"),
        "Документ.Время": _text(document, "Время"),
        "Документ.ХозОперация": _text(document, "ХозОперация"),
        "Документ.Статус": next((v for k in _STATUS if (v := requisites.get(k, ""))), ""),
        "Документ.Отменен": next((v for k in _CANCELLED if (v := requisites.get(k, ""))), ""),
        "Документ.Валюта": _text(document, "Валюта"),
        "Документ.СуммаТоваров": f"{_number(total) - delivery:.2f}" if total else "",
        "Документ.Скидка": _discount(document),
        "Контрагент.Ид": "" if identity.strip("0") == "" else identity,
        "Контрагент.Почта": _contact(buyer, "почта", "mail"),
        "Контрагент.Телефон": _contact(buyer, "телефон", "phone"),
        "Контрагент.ИНН": _text(buyer, "ИНН", "КПП"),
        "Контрагент.Страна": next(
            (
                _text(field, "Значение")
                for field in (buyer.iterfind(".//АдресноеПоле") if buyer is not None else ())
                if _text(field, "Тип").casefold() == "страна"
            ),
            "",
        ),
    }
    for one in products:
        price, pieces = _text(one, "ЦенаЗаЕдиницу"), _text(one, "Количество")
        identifier = _text(one, "Ид")
        line = {
            "Товар.Ид": DELIVERY if identifier.startswith(DELIVERY) else identifier,
            "Товар.Артикул": _text(one, "Артикул"),
            "Товар.Наименование": _text(one, "Наименование"),
            "Товар.Количество": pieces,
            "Товар.Сумма": _text(one, "Сумма")
            or (f"{_number(price) * _number(pieces):.2f}" if price else ""),
            "Товар.Скидка": _discount(one),
        }
        yield {name: value or None for name, value in (order | line).items()}
