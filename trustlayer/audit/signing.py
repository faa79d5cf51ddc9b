"""Anchors signed: who holds the public key can tell that none of them was forged.

A signed anchor is a line of JSON: the heads of all chains at a moment, the hash of the anchor
before it in the same file, and an Ed25519 signature over all of that. What it proves, and what
not, is said in docs/audit.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, cast

from trustlayer.audit.entries import Flaw
from trustlayer.audit.keyfiles import SigningKey, VerifyingKey
from trustlayer.audit.verification import Anchor

_CONTEXT = b"trustlayer anchor 1\n"  # no signature of ours can be taken for one of another kind
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Authentic:
    """What is left of a file of signed anchors: the *anchors* to trust, and its own *flaws*."""

    anchors: tuple[Anchor, ...]
    flaws: tuple[Flaw, ...]
    made: datetime | None = None  # the last of them


@dataclass(slots=True)
class _Reading:
    key: VerifyingKey
    before: str | None = None  # the hash of the line before; None before the first line
    anchors: list[Anchor] = field(default_factory=list[Anchor])
    flaws: list[Flaw] = field(default_factory=list[Flaw])
    made: datetime | None = None


def signed(heads: Sequence[Anchor], key: SigningKey, before: str = "") -> str:
    """The line that says *heads*, signed; *before* is the line before it, if there is one."""
    document: dict[str, Any] = {
        "anchor": _FORMAT,
        "made": datetime.now(UTC).isoformat(),
        "before": _hash(before) if before else "",
        "key": key.public.fingerprint,
        "heads": [
            {"chain": a.chain, "length": a.length, "head": a.head.hex()}
            for a in sorted(heads, key=lambda a: a.chain)
        ],
    }
    signature = base64.b64encode(key.sign(_signed_bytes(document))).decode()
    return json.dumps(document | {"signature": signature})


def authentic(lines: Iterable[str], key: VerifyingKey) -> Authentic:
    """Read signed anchors, naming each line that *key* did not sign, or that was moved.

    The heads of a line that is not as it was signed are not taken for anchors. A file may
    begin with any anchor; each further one has to follow the one before.
    """
    reading = _Reading(key)
    for number, line in enumerate(lines, 1):
        if line.strip():
            _read(reading, number, line.strip())
    return Authentic(tuple(reading.anchors), tuple(reading.flaws), reading.made)


def heads_of(line: str) -> Iterator[Anchor]:
    """The heads that a signed line says, its signature not looked at; raises ValueError."""
    document = json.loads(line)
    for head in document["heads"]:
        yield Anchor(str(head["chain"]), int(head["length"]), bytes.fromhex(head["head"]))


def _read(reading: _Reading, number: int, line: str) -> None:
    if (what := _wrong(reading, line)) is not None:
        reading.flaws.append(Flaw("anchors", f"line {number}", what))
    else:
        reading.anchors += heads_of(line)
        made = datetime.fromisoformat(json.loads(line)["made"])
        if reading.made is not None and made < reading.made:
            what = f"was made at {made}, before the line above it: a clock went backwards"
            reading.flaws.append(Flaw("anchors", f"line {number}", what))
        reading.made = made
    reading.before = _hash(line)


def _wrong(reading: _Reading, line: str) -> str | None:
    # What is wrong with a line in itself, or with its place.
    try:
        document = cast("dict[str, Any]", json.loads(line))
        signature = base64.b64decode(document.pop("signature"), validate=True)
        genuine = reading.key.signed(_signed_bytes(document), signature)
        if genuine and document["anchor"] != _FORMAT:
            return f"has format {document['anchor']}, expected {_FORMAT}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return "is no signed anchor"
    if not genuine:
        return f"is forged, or signed with another key than {reading.key.fingerprint}"
    if reading.before is not None and document["before"] != reading.before:
        return "does not follow the line before: one was changed, removed, inserted or moved"
    return None


def _signed_bytes(document: dict[str, Any]) -> bytes:
    return _CONTEXT + json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _hash(line: str) -> str:
    return sha256(line.strip().encode()).hexdigest()
