"""A record as bytes, and back: what the spool keeps is what the database would have got."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine

from trustlayer.audit.columns import UtcTime
from trustlayer.audit.digests import CHILDREN, Row, Rows
from trustlayer.audit.months import month_of
from trustlayer.audit.records import Record
from trustlayer.audit.tables import Base
from trustlayer.certificate import Certificate


def frozen(record: Record) -> bytes:
    """*record* without its outcome: texts are in the form in which they are to be stored."""
    certificate = record.certificate
    said = {
        "outcome": record.rows.outcome,
        "children": record.rows.children,
        "content": record.content,
        "policy": record.policy,
        "detectors": list(record.detectors.values()),
        "certificate": certificate and certificate.to_json(),
    }
    return json.dumps(said, separators=(",", ":"), default=_plain).encode()


def thawed(payload: bytes) -> Record:
    """Undo `frozen`; raises ValueError for what it cannot have made."""
    try:
        said = json.loads(payload)
        outcome = _row("outcomes", said["outcome"]) | {
            "policy": bytes.fromhex(said["outcome"]["policy"])
        }
        children = {t: [_child(t, row) for row in said["children"].get(t, ())] for t in CHILDREN}
        started = cast("datetime", outcome["started"])
        for text in children["texts"]:
            text.setdefault("month", month_of(started))  # there was a time without
        detectors = [_row("detectors", row) for row in said["detectors"]]
        certificate = said["certificate"]
        return Record(
            None,
            Rows(outcome, children),
            bytes.fromhex(said["content"]),
            _row("policies", said["policy"]),
            {row["digest"]: row for row in detectors},
            None if certificate is None else Certificate.from_json(certificate),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a spooled outcome: {error!r}") from error


def _child(table: str, row: Mapping[str, Any]) -> Row:
    found = _row(table, row)
    if "detector" in row:
        found["detector"] = bytes.fromhex(row["detector"])
    return found


def _row(table: str, row: Mapping[str, Any]) -> Row:
    readers = _readers(table)
    return {n: v if v is None or n not in readers else readers[n](v) for n, v in row.items()}


@cache
def _readers(table: str) -> Mapping[str, Any]:
    # The columns that JSON does not give back as they were.
    found: dict[str, Any] = {}
    for column in Base.metadata.tables[table].columns:
        if isinstance(column.type, UtcTime):
            found[column.name] = datetime.fromisoformat
        elif isinstance(_stored(column.type), LargeBinary):
            found[column.name] = bytes.fromhex
    return found


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in a spool")
