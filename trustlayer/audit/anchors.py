"""Anchors in a file: one JSON object a line, to be kept where no writer of the store can reach."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from trustlayer.audit.verification import Anchor
from trustlayer.errors import BadLine

_EXPECTED = '{"chain": "...", "length": 1, "head": "64 hexadecimal digits"}'


def written(anchors: Iterable[Anchor]) -> Iterator[str]:
    """The lines that say *anchors*."""
    for anchor in anchors:
        head = anchor.head.hex()
        yield json.dumps({"chain": anchor.chain, "length": anchor.length, "head": head})


def read(lines: Iterable[str]) -> Iterator[Anchor]:
    """The anchors that *lines* say; raises BadLine."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _anchor(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise BadLine(number, str(error), _EXPECTED) from error


def _anchor(chain: str, length: int, head: str) -> Anchor:
    return Anchor(str(chain), int(length), bytes.fromhex(head))
