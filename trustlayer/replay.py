"""Recorded questions with the answers of several models, as real input for everything.

A row is an object ``{"source_id", "question", "context", "responses": [{"id", "model", "text",
...}]}``. Every response becomes a line of its own, with the id ``source_id/model/response id``.
"""

from __future__ import annotations

from collections.abc import Iterator

from trustlayer.exchange import Exchange
from trustlayer.jsonl import Fields, parse_object
from trustlayer.lines import ExchangeLine

UNKNOWN = "unknown"  # the model of a response that does not name one


def parse_replay(raw: bytes | str, number: int = 1) -> list[ExchangeLine]:
    """The exchanges of one row, all under its *number*; raises BadLine."""
    row = Fields(number, parse_object(raw, number))
    return [_line(row, response) for response in responses(row)]


def responses(row: Fields) -> Iterator[Fields]:
    """The recorded answers of a row."""
    if not row.items("responses"):
        row.refuse("responses", row.values.get("responses"), "a list of recorded answers")
    for position, response in enumerate(row.items("responses")):
        yield row.within(f"responses[{position}]", response)


def _line(row: Fields, response: Fields) -> ExchangeLine:
    exchange = Exchange(row.text("question"), response.text("text"), _context(row))
    return ExchangeLine(row.number, replay_id(row, response), exchange)


def _context(row: Fields) -> tuple[str, ...]:
    context = row.text("context", "")
    return (context,) if context.strip() else ()


def replay_id(row: Fields, response: Fields) -> str:
    """The id that names the question, the model and the response."""
    model = response.text("model", UNKNOWN)
    return f"{row.text('source_id')}/{model}/{response.text('id')}"
