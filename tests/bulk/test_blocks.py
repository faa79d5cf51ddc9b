"""Blocks and their order: nothing is lost, doubled or cut differently, whoever examines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.bulk.blocks import CHUNK, Block, Entry, Failure, Place, blocks
from trustlayer.bulk.queue import TRIES, Done, Queue
from trustlayer.exchange import Exchange
from trustlayer.lines import ExchangeLine, parse_exchange


def entry(row: int, answer: str = "yes") -> Entry:
    return Entry(Place("a", row), ExchangeLine(row, row, Exchange("", answer)))


def failure(row: int) -> Failure:
    return Failure(Place("a", row), "a list", "an object")


def entries(answers: Sequence[str | None]) -> Iterator[Entry | Failure]:
    for row, answer in enumerate(answers, 1):
        yield failure(row) if answer is None else entry(row, answer)


ANSWERS = st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=80)


@given(ANSWERS, st.integers(1, 9), st.integers(5, 60))
def test_every_row_is_in_one_block_in_order(
    answers: list[str | None], size: int, tokens: int
) -> None:
    found = list(blocks(entries(answers), size, tokens))
    rows: list[int] = []
    for item in found:
        places = [item.place] if isinstance(item, Failure) else item.places
        rows += [place.row for place in places]
    assert sorted(rows) == list(range(1, len(answers) + 1))
    cut = [item for item in found if isinstance(item, Block)]
    assert [block.number for block in cut] == list(range(len(cut)))
    for block in cut:
        assert len(block.lines) <= size
        assert len(block.lines) == 1 or len(block.payload) // 4 <= tokens + len(block.lines)
        texts = [parse_exchange(line).exchange.answer for line in block.lines]
        assert texts == [answers[place.row - 1] for place in block.places]


def test_no_block_reaches_over_a_chunk() -> None:
    """So that chunks can be cut apart, each with the same blocks as in the whole."""
    answers: list[str | None] = [f"{n}" if n % 7 else None for n in range(2 * CHUNK + 5)]
    whole = [b.payload for b in blocks(entries(answers), 50) if isinstance(b, Block)]
    rows = list(entries(answers))
    apart = [
        block.payload
        for start in range(0, len(rows), CHUNK)
        for block in blocks(rows[start : start + CHUNK], 50)
        if isinstance(block, Block)
    ]
    assert whole == apart


def test_a_block_needs_room() -> None:
    with pytest.raises(ValueError, match="got 0"):
        list(blocks([], 0))


def block(number: int) -> Block:
    return Block(number, (b"{}",), (Place("a", number + 1),))


@given(st.data(), st.integers(1, 6), st.integers(0, 12))
def test_results_come_in_order_whichever_is_done_first(
    data: st.DataObject, ahead: int, count: int
) -> None:
    items: list[Block | Failure] = [
        block(n) if data.draw(st.booleans()) else failure(n) for n in range(count)
    ]
    queue, out, given_back = Queue(iter(items), ahead), list[Block](), list[object]()
    while not queue.finished:
        while (taken := queue.next()) is not None:
            out.append(taken)
            assert len(out) <= ahead
        given_back += queue.ready()
        if out:
            done = out.pop(data.draw(st.integers(0, len(out) - 1)))
            if not data.draw(st.booleans()) or not queue.died(done):
                queue.done(Done(done, b"found"))
        given_back += queue.ready()
    assert [item.block if isinstance(item, Done) else item for item in given_back] == items


def test_a_block_is_given_up_after_some_deaths() -> None:
    queue = Queue(iter([block(0)]), 4)
    for tried in range(1, TRIES + 1):
        taken = queue.next()
        assert taken is not None
        assert queue.died(taken) == (tried < TRIES)
