"""What is hashed of an outcome, and how the hashes hang together.

A text enters by a digest of its salt and its UTF-8, so that it can be erased and can not be
guessed from what is left. All rows of an outcome, the texts by their digests, give its
*content*. Content, place in the chain and the predecessor's hash give its *hash*. All are
SHA-256 over canonical JSON: arrays in the order of the columns below, floats in their
shortest form, times in UTC with microseconds, bytes in hexadecimal. The columns that a later
schema added enter as one more array at the end of a row's, unless all of them are null: a row
that says nothing there has the hash that it had before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, cast

Row = dict[str, Any]  # the values of one row, by column

# The columns that enter, for ever in this order: a later schema adds some below, it changes none.
# Those named policy and detector enter by the digest of what they refer to.
_OUTCOME = (
    "id",
    "started",
    "seconds",
    "action",
    "policy",
    "version",
    "prompt",
    "context",
    "answer",
    "interrupted",
)
_COLUMNS = {
    "texts": ("number", "digest"),
    "correlations": ("number", "name", "value"),
    "examiners": ("number", "detector", "risk_limit"),
    "attempts": (
        "number",
        "model",
        "request_prompt",
        "request_context",
        "draft",
        "advice",
        "answer",
        "answered_prompt",
        "answered_context",
        "samples",
        "logprobs",
        "verdict",
        "risk",
        "action",
        "kept",
        "error",
        "seconds",
        "tokens_in",
        "tokens_out",
        "cost",
    ),
    "findings": (
        "attempt",
        "number",
        "detector",
        "risk",
        "risk_limit",
        "unexamined",
        "seconds",
    ),
    "evidence": ("attempt", "finding", "number", "reason", "span_start", "span_end"),
}
_LABEL = ("id", "attempt", "who", "bad", "spans", "digest", "propensity")
_ADDED = {  # by schema 0003
    "outcomes": ("certificate", "template", "text_form"),
    "attempts": ("prefix", "tokens", "token_logprobs", "sample_logprobs"),
    "labels": ("turn",),
}
_ENTRIES = {  # outcome is the id of it
    "certificates": ("digest", "data", "created", "risk", "confidence", "labels", "bad"),
    "draws": ("id", "outcome", "design", "propensity"),
    "claims": ("id", "outcome", "turn", "who", "expires"),
    "decisions": (
        "id",
        "outcome",
        "attempt",
        "claim",
        "who",
        "decision",
        "label",
        "digest",
    ),
    "legal_holds": ("id", "outcome", "name", "lookup", "who", "reason"),
    "releases": ("id", "hold", "who", "reason"),
}
ENTRIES = tuple(_ENTRIES)  # the tables whose rows are entries of a chain, besides outcomes, labels
CHILDREN = tuple(_COLUMNS)  # the tables below an outcome, parents first


_REMEMBERED = 1000  # digests of policies and detectors, which recur


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one outcome; those of *children* are by table, in the order of their keys."""

    outcome: Row
    children: Mapping[str, list[Row]] = field(
        default_factory=lambda: {table: [] for table in CHILDREN}
    )

    @property
    def content(self) -> bytes:
        """The digest of everything that the outcome says."""
        tables = [
            _all_values(table, columns, self.children[table]) for table, columns in _COLUMNS.items()
        ]
        return digest("outcome", _values("outcomes", _OUTCOME, self.outcome), *tables)


def label_content(outcome: str, row: Mapping[str, Any]) -> bytes:
    """The digest of a label in *row*, for the outcome of that id."""
    return digest("label", outcome, *_values("labels", _LABEL, row))


def entry_content(table: str, row: Mapping[str, Any]) -> bytes:
    """The digest of a *row* of one of ENTRIES, *outcome* in it being the id of one."""
    return digest(table, *_values(table, _ENTRIES[table], row))


def _values(table: str, columns: tuple[str, ...], row: Mapping[str, Any]) -> Sequence[object]:
    values: tuple[object, ...] = _getter(columns)(row)
    if (names := _ADDED.get(table)) is None:
        return values
    added = [row.get(column) for column in names]
    return values if added.count(None) == len(added) else [*values, added]


def _all_values(
    table: str, columns: tuple[str, ...], rows: Sequence[Row]
) -> Sequence[Sequence[object]]:
    if table in _ADDED:
        return [_values(table, columns, row) for row in rows]
    return list(map(_getter(columns), rows))


@cache
def _getter(columns: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return cast("Callable[[Mapping[str, Any]], tuple[Any, ...]]", itemgetter(*columns))


def digest(kind: str, *values: object) -> bytes:
    """SHA-256 of *values*, which no other *kind* of values can have."""
    return sha256(_written(["trustlayer", 1, kind, *values]).encode()).digest()


def text_digest(text: str, salt: bytes) -> bytes:
    return sha256(salt + text.encode("utf-8", "surrogatepass")).digest()


def lookup_digest(name: str, value: str) -> bytes:
    """By which a correlation is found again."""
    return digest("correlation", name, value)


@lru_cache(_REMEMBERED)
def policy_digest(policy: str) -> bytes:
    return digest("policy", policy)


def certificate_digest(certificate: str) -> bytes:
    """Of a certificate's JSON."""
    return digest("certificate", certificate)


@lru_cache(_REMEMBERED)
def detector_digest(name: str, version: str | None, options: str | None) -> bytes:
    return digest("detector", name, version, options)


def first_head(chain: str, opened: datetime) -> bytes:
    """The head of a chain without outcomes: what its first outcome takes for a predecessor."""
    return digest("chain", chain, opened)


def link(chain: str, sequence: int, before: bytes, recorded: datetime, content: bytes) -> bytes:
    """The hash of the outcome at *sequence* of *chain*, *before* being its predecessor's."""
    return digest("link", chain, sequence, before, recorded, content)


def _canonical(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise TypeError(f"{type(value).__name__} has no canonical form")


# In ASCII, so that lone surrogates have a form as well. One encoder for all: making one takes
# longer than most of what it writes.
_written = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_canonical).encode
