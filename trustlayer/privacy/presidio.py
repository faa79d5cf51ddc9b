"""Names, places and more, recognised by Microsoft's Presidio (extra ``presidio``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

from trustlayer.errors import MissingExtra
from trustlayer.exchange import Span
from trustlayer.privacy.recognised import Recognised

_MODEL = "en_core_web_lg"  # which Presidio uses unless it is configured otherwise


def presidio(text: str) -> Iterator[Recognised]:
    """What Presidio's analyser finds in an English *text*, by its own kinds in lower case.

    It needs a spaCy model, which this does not fetch: raises MissingExtra without one.
    """
    for found in _analyser().analyze(text=text, language="en"):
        yield Recognised(str(found.entity_type).lower(), Span(found.start, found.end))


@cache
def _analyser() -> Any:
    try:
        found = import_module("presidio_analyzer")
        models = import_module("spacy.util")
    except ModuleNotFoundError as error:
        missing = MissingExtra(f"Presidio is not installed: {error.name}")
        missing.add_note("pip install 'trustlayer[presidio]'")
        raise missing from error
    if not models.is_package(_MODEL):  # Presidio would download it, unasked
        missing = MissingExtra(f"Presidio needs spaCy's model {_MODEL}, which is not there")
        missing.add_note(f"python -m spacy download {_MODEL}")
        raise missing
    return found.AnalyzerEngine()
