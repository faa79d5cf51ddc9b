"""A chain that one writer has to itself while it appends."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from trustlayer.audit.digests import Row, first_head, link
from trustlayer.audit.tables import Base, ChainRow


@dataclass(slots=True)
class Chain:
    """A chain as this transaction sees it; *head* is the hash of its last entry."""

    number: int
    id: str
    length: int
    head: bytes

    @classmethod
    def free(cls, connection: Connection) -> Chain:
        """A chain that nobody else appends to until the end of the transaction.

        SQLite has one writer at a time, and so one chain. On PostgreSQL each writer locks one
        that is free, and makes one when there is none: as many as ever wrote at once.
        """
        query = select(ChainRow.number, ChainRow.id, ChainRow.length, ChainRow.head)
        query = query.order_by(ChainRow.number).limit(1).with_for_update(skip_locked=True)
        if (found := connection.execute(query).one_or_none()) is not None:
            return cls(*found)
        name, opened = str(uuid.uuid4()), datetime.now(UTC)
        head = first_head(name, opened)
        row: Row = {"id": name, "opened": opened, "length": 0, "head": head}
        return cls(insert_one(connection, ChainRow, row), name, 0, head)

    def entry(self, content: bytes) -> Row:
        """Append what has that *content*: the columns that say when, and where it hangs."""
        recorded = datetime.now(UTC)
        self.length += 1
        self.head = link(self.id, self.length, self.head, recorded, content)
        return {
            "recorded": recorded,
            "chain": self.number,
            "sequence": self.length,
            "content": content,
            "hash": self.head,
        }

    def keep(self, connection: Connection) -> None:
        """Note how long the chain is now, and its head."""
        grown = update(ChainRow).where(ChainRow.number == self.number)
        connection.execute(grown.values(length=self.length, head=self.head))


def insert_one(connection: Connection, table: type[Base], row: Row) -> int:
    """Insert *row* and return the number that the database gave it."""
    key = connection.execute(insert(table), row).inserted_primary_key
    assert key is not None
    return int(key[0])
