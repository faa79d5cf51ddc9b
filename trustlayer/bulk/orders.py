"""What a worker is told to examine with, and what it says that it made of that."""

from __future__ import annotations

import json
from collections.abc import Sequence

from trustlayer.bulk.recipes import Recipe
from trustlayer.bulk.work import Examiner
from trustlayer.errors import BrokenDetector, TrustlayerError
from trustlayer.outcome import DetectorRecord


def order_of(recipes: Sequence[Recipe], timeout: float | None) -> bytes:
    """What `examiner_of` makes an examiner of; raises TypeError for options that JSON lacks."""
    made = [{"name": recipe.name, "options": dict(recipe.options)} for recipe in recipes]
    return json.dumps({"recipes": made, "timeout": timeout}).encode("ascii")


def examiner_of(order: bytes) -> Examiner:
    found = json.loads(order)
    recipes = [Recipe(one["name"], one["options"]) for one in found["recipes"]]
    return Examiner(recipes, found["timeout"])


def greeting_of(examiner: Examiner) -> bytes:
    """Its detectors, which are made now, or why they cannot be."""
    try:
        records = examiner.records
    except TrustlayerError as error:
        notes = list(getattr(error, "__notes__", ()))
        return json.dumps({"error": str(error), "notes": notes}).encode("ascii")
    rows = [[r.name, r.version, r.options, r.limit] for r in records]
    return json.dumps({"detectors": rows}).encode("ascii")


def records_in(greeting: bytes) -> tuple[DetectorRecord, ...]:
    """Raises BrokenDetector where the detectors could not be made."""
    found = json.loads(greeting)
    if "error" in found:
        error = BrokenDetector(found["error"])
        for note in found["notes"]:
            error.add_note(note)
        raise error
    return tuple(DetectorRecord(*row) for row in found["detectors"])
