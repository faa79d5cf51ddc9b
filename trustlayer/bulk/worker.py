"""The process behind `Pool`: reads blocks from stdin, writes findings to stdout.

Run by `Pool` alone: ``python -m trustlayer.bulk.worker``.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import IO, cast

from trustlayer.bulk.frames import receive, send
from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.work import Examiner, single_threaded
from trustlayer.errors import TrustlayerError


def main() -> None:
    """Until stdin ends: the first message is the order, the others are blocks."""
    given, told = cast("IO[bytes]", sys.stdin.buffer), _private_stdout()
    order = receive(given)
    if order is None:
        return
    single_threaded()
    examiner = examiner_of(order)
    with suppress(OSError):  # whoever wanted to know has gone
        send(told, _greeting(examiner))
        while (payload := receive(given)) is not None:
            send(told, examiner.examine(payload))


def order_of(recipes: tuple[Recipe, ...], timeout: float | None) -> bytes:
    """What `examiner_of` makes an examiner of; raises TypeError for options that JSON lacks."""
    made = [{"name": recipe.name, "options": dict(recipe.options)} for recipe in recipes]
    return json.dumps({"recipes": made, "timeout": timeout}).encode("ascii")


def examiner_of(order: bytes) -> Examiner:
    found = json.loads(order)
    recipes = [Recipe(one["name"], one["options"]) for one in found["recipes"]]
    return Examiner(recipes, found["timeout"])


def _greeting(examiner: Examiner) -> bytes:
    try:
        records = examiner.records
    except TrustlayerError as error:
        notes = list(getattr(error, "__notes__", ()))
        return json.dumps({"error": str(error), "notes": notes}).encode("ascii")
    rows = [[r.name, r.version, r.options, r.limit] for r in records]
    return json.dumps({"detectors": rows}).encode("ascii")


def _private_stdout() -> IO[bytes]:
    # A detector that prints must not end up between the messages.
    mine = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(mine, "wb")


if __name__ == "__main__":
    main()
