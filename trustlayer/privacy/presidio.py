"""Names, places and more, recognised by Microsoft's Presidio (extra ``presidio``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from trustlayer.errors import MissingExtra
from trustlayer.exchange import Span
from trustlayer.privacy.recognised import Recognised, Recogniser

_MODEL = "en_core_web_lg"  # which Presidio uses unless it is configured otherwise


class Analyser(Protocol):
    """What is used of `presidio_analyzer.AnalyzerEngine`."""

    def analyze(self, *, text: str, language: str) -> Sequence[Any]: ...


def recogniser(analyser: Analyser, language: str = "en") -> Recogniser:
    """What an *analyser* of your own configuration finds, by its own kinds in lower case."""

    def recognise(text: str) -> Iterator[Recognised]:
        for found in analyser.analyze(text=text, language=language):
            yield Recognised(str(found.entity_type).lower(), Span(found.start, found.end))

    return recognise


def presidio(text: str) -> Iterable[Recognised]:
    """What Presidio's analyser, as it comes, finds in an English *text*.

    It needs a spaCy model, which this does not fetch: raises MissingExtra without one. Its
    recogniser of e-mail asks the network for the list of top-level domains, as it comes.
    """
    return recogniser(_analyser())(text)


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
