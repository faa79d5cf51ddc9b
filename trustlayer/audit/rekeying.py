"""Texts encrypted under another key: those in the open, and those under former keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, func, or_, select, update

from trustlayer.audit.sealing import Keys
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import Base
from trustlayer.errors import MissingKey

_AT_ONCE = 500  # texts in one transaction: other writers wait no longer than for those
_BODIES = {"texts": "body", "labels": "reason", "decisions": "answer"}


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """How many texts were encrypted anew, by the table that they lie in."""

    table: str
    texts: int


def rekey(store: AuditStore) -> Iterator[Rekeyed]:
    """Encrypt under the store's first key whatever is not, durably, some at a time.

    A rotation: give the new key first and the former ones after it; once this is through, the
    former are needed no more. What breaks off can be begun again. Raises MissingKey for a text
    under a key that was not given, and when none was given at all.
    """
    if not store.keys:
        error = MissingKey("there is no key to encrypt with")
        error.add_note("make one: trustlayer audit keygen --encryption FILE")
        raise error
    for name, body in _BODIES.items():
        table = Base.metadata.tables[name]
        texts = 0
        some = partial(_some, table=table, body=body, keys=store.keys)
        while count := store.retrying(some):
            texts += count
        yield Rekeyed(name, texts)
    store.sweep()


def _some(connection: Connection, table: Table, body: str, keys: Keys) -> int:
    query = select(*table.primary_key, table.c[body], table.c.salt, table.c.sealed, table.c.digest)
    rows = connection.execute(query.where(_wrong(table, body, keys)).limit(_AT_ONCE)).mappings()
    found = rows.all()
    for row in found:
        salt, text = row["salt"], row[body]
        if row["sealed"] is not None:
            salt, text = keys.open(row["sealed"], row["digest"])
        key: list[ColumnElement[Any]] = [column == row[column.name] for column in table.primary_key]
        sealed = keys.seal(text, salt, row["digest"])
        connection.execute(
            update(table).where(*key).values({body: None, "salt": None, "sealed": sealed})
        )
    return len(found)


def _wrong(table: Table, body: str, keys: Keys) -> ColumnElement[bool]:
    # Whether a text is not under the first key: the id of its key stands first.
    id = func.substr(table.c.sealed, 1, len(keys.id), type_=LargeBinary)
    return or_(table.c[body].is_not(None), id != keys.id)
