"""The JSON lines contract: what goes in comes out, and what is wrong is named."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer.errors import BadLine, Unreadable
from trustlayer.jsonl import MAX_BYTES, rows, unzipped
from trustlayer.lines import (
    ExchangeLine,
    parse_exchange,
    parse_findings,
    write_exchange,
    write_findings,
)
from trustlayer.replay import parse_replay

anything = st.text(st.characters(exclude_categories=()))  # lone surrogates, too
ids = anything | st.integers(-(2**70), 2**70)
logprobs = st.lists(st.floats(max_value=0.0, allow_infinity=False), max_size=4).map(tuple)
exchanges = st.builds(
    Exchange,
    anything,
    anything,
    st.lists(anything, max_size=3).map(tuple),
    st.lists(anything, max_size=3).map(tuple),
    st.none() | logprobs,
)
spans = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda ends: Span(*sorted(ends)))
findings = st.builds(
    Finding,
    st.floats(0.0, 1.0),
    st.lists(st.builds(Evidence, anything, st.none() | spans), max_size=3).map(tuple),
)


@given(ids, exchanges)
def test_an_exchange_is_read_as_it_was_written(id: str | int, exchange: Exchange) -> None:
    line = write_exchange(id, exchange)
    assert line.isascii()
    assert "\n" not in line
    assert parse_exchange(line.encode(), 7) == ExchangeLine(7, id, exchange)


@given(ids, st.dictionaries(anything, findings, max_size=3), anything, anything)
def test_findings_are_read_as_they_were_written(
    id: str | int, found: dict[str, Finding], name: str, reason: str
) -> None:
    found.pop(name, None)
    line = write_findings(id, found, [Unexamined(name, reason)])
    back = parse_findings(line)
    assert back.id == id
    assert back.findings == found
    assert back.unexamined == (Unexamined(name, reason),)


names = st.sampled_from(["id", "answer", "prompt", "context", "logprobs"]) | anything
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
)


@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_line_is_nothing_but_a_bad_line_is_raised(raw: bytes) -> None:
    for parse in (parse_exchange, parse_findings, parse_replay):
        with suppress(BadLine):
            parse(raw, 3)


def test_what_is_left_out_has_its_default() -> None:
    line = parse_exchange(b'{"answer": "yes", "prompt": null, "context": null, "id": null}', 12)
    assert line == ExchangeLine(12, 12, Exchange("", "yes"))


def test_a_context_may_be_one_text() -> None:
    assert parse_exchange('{"answer": "", "context": "all"}').exchange.context == ("all",)
    assert parse_exchange('{"answer": "", "context": " "}').exchange.context == ()
    assert parse_exchange('{"answer": "", "context": ["", "b"]}').exchange.context == ("", "b")


def test_unknown_members_are_ignored_and_named_but_those_of_labels_are_known() -> None:
    line = parse_exchange('{"answer": "a", "contxt": "c", "label": 1, "spans": []}')
    assert line.ignored == ("contxt",)


@pytest.mark.parametrize(
    ("raw", "found", "expected"),
    [
        (b"{", "the end of the line too early", "JSON"),
        (b'{"answer": "a"} x', "'x' at column 17", "JSON (Extra data)"),
        (b"{'answer': 'a'}", "'answer", "double quotes"),
        (b"[1]", "a list", "one JSON object on each line"),
        (b"null", "null", "one JSON object on each line"),
        (b'"\xff"', "the byte 0xff at position 2", "text in UTF-8"),
        (b"\xff\xfe{\x00", "the byte 0xff at position 1", "text in UTF-8"),
        (b"{}", "no 'answer' among the keys (none)", "'answer': a string"),
        (b'{"anser": "a"}', "no 'answer' among the keys ('anser')", "'answer': a string"),
        (b'{"answer": null}', "null as 'answer'", "a string"),
        (b'{"answer": 3}', "the number 3 as 'answer'", "a string"),
        (b'{"answer": "a", "prompt": []}', "a list as 'prompt'", "a string"),
        (b'{"answer": "a", "context": 1}', "the number 1 as 'context'", "a string or a list"),
        (b'{"answer": "a", "context": ["b", 2]}', "the number 2 as 'context[1]'", "a string"),
        (b'{"answer": "a", "samples": "b"}', "a string as 'samples'", "a list"),
        (b'{"answer": "a", "logprobs": [true]}', "true as 'logprobs[0]'", "a finite number"),
        (b'{"answer": "a", "logprobs": [0.5]}', "the number 0.5 as 'logprobs[0]'", "0 or less"),
        (b'{"answer": "a", "logprobs": [NaN]}', "NaN, which is not JSON", "a finite number"),
        (b'{"answer": "a", "logprobs": [-1e999]}', "beyond all bounds", "a finite number"),
        (b'{"answer": "a", "logprobs": [-1' + b"0" * 400 + b"]}", "beyond all bounds", "finite"),
        (b'{"answer": "a", "id": 1' + b"0" * 5000 + b"}", "thousands of digits", "a shorter one"),
        (b'{"answer": "a", "id": 1.5}', "the number 1.5 as 'id'", "a string or an integer"),
        (b'{"answer": "a", "id": true}', "true as 'id'", "a string or an integer"),
        (b'{"answer": "a", "answer": "b"}', "the key 'answer' twice", "each key once"),
        (b'{"answer": ' + b"[" * 200_000, "nested too deep", "flat JSON"),
        (b'{"answer": "' + b"a" * MAX_BYTES + b'"}', "more than 64 MiB", "a shorter one"),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else "",
)
def test_a_bad_line_says_what_was_found_and_what_was_expected(
    raw: bytes, found: str, expected: str
) -> None:
    with pytest.raises(BadLine) as raised:
        parse_exchange(raw, 5)
    assert raised.value.number == 5
    assert found in raised.value.found
    assert expected in raised.value.expected


def test_a_list_and_another_encoding_get_advice() -> None:
    for raw, advice in ((b"[", "the end"), (b"[]", "jq -c '.[]'"), (b"\xff\xfe{", "iconv")):
        with pytest.raises(BadLine) as raised:
            parse_exchange(raw)
        told = [str(raised.value), *getattr(raised.value, "__notes__", [])]
        assert advice in " ".join(told)


def test_a_bad_line_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(BadLine(3, "this", "that")))
    assert (error.number, str(error)) == (3, "line 3: found this; expected that")


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ('{"id": 1}', "null as 'findings'"),
        ('{"findings": {}}', "no 'id'"),
        ('{"id": 1, "findings": {"a": 1}}', "the number 1 as 'a'"),
        ('{"id": 1, "findings": {"a": {"risk": 2}}}', "the number 2 as 'risk'"),
        ('{"id": 1, "findings": {"a": {"risk": 0, "evidence": [{}]}}}', "no 'reason'"),
        (
            '{"id": 1, "findings": {"a": {"risk": 0, "evidence": [{"start": 3, "end": 1, '
            '"reason": ""}]}}}',
            "a span from 3 to 1",
        ),
    ],
)
def test_bad_findings_are_named(raw: str, complaint: str) -> None:
    with pytest.raises(BadLine, match=complaint):
        parse_findings(raw)


def test_rows_are_numbered_as_in_the_file() -> None:
    file = io.BytesIO(b"\xef\xbb\xbfone\r\n\r\n  \ntwo\n\nthree")
    assert [(row.number, row.raw.strip()) for row in rows(file)] == [
        (1, b"one"),
        (4, b"two"),
        (6, b"three"),
    ]


def test_of_an_endless_line_only_the_beginning_is_kept() -> None:
    file = io.BytesIO(b"a" * (MAX_BYTES + 3 * 2**20) + b"\nnext\n")
    first, second = rows(file)
    assert len(first.raw) == MAX_BYTES + 1
    assert (second.number, second.raw) == (2, b"next\n")


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:-6] + bytes([data[-6] ^ 255]) + data[-5:]


@pytest.mark.parametrize("harm", [_cut, _flipped])
def test_gzip_is_known_by_its_content_and_told_where_it_breaks_off(
    harm: Callable[[bytes], bytes],
) -> None:
    data = gzip.compress(b"".join(b'{"answer": "%d"}\n' % n for n in range(5000)))
    whole = unzipped(io.BufferedReader(io.BytesIO(data)))
    assert sum(1 for _ in rows(whole)) == 5000
    broken = unzipped(io.BufferedReader(io.BytesIO(harm(data))))
    with pytest.raises(Unreadable, match=r"after line \d+: found damaged gzip data"):
        list(rows(broken))


def test_a_replay_row_is_a_line_for_each_answer() -> None:
    row = {
        "source_id": "q1",
        "question": "Where?",
        "context": "passage 1: Here.",
        "responses": [
            {"id": "7", "model": "small", "text": "Here.", "spans": []},
            {"id": "8", "model": None, "text": "There."},
        ],
    }
    one, other = parse_replay(json.dumps(row), 4)
    assert one == ExchangeLine(4, "q1/small/7", Exchange("Where?", "Here.", ("passage 1: Here.",)))
    assert other.id == "q1/unknown/8"
    with pytest.raises(BadLine, match="no 'text'"):
        parse_replay(json.dumps(row | {"responses": [{"id": "7"}]}))
    with pytest.raises(BadLine, match="expected a list of recorded answers"):
        parse_replay(b'{"answer": "of the other format"}')
