"""Many outcomes loaded at once: the same as recorded one by one, and as often as one likes."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from trustlayer import Outcome
from trustlayer.audit import AuditStore, loading, reports, summaries
from trustlayer.audit.copying import cells, columns, rests
from trustlayer.audit.drivers import MANY
from trustlayer.audit.verification import heads, verify

Run = Callable[..., Outcome]
ODD = "tab\t line\n return\r back\\slash \\N \\. \0 \ud800 \ufdd0 'quoted' {}"


def made(run: Run, count: int) -> list[Outcome]:
    one = run(f"Bad! {ODD}", ODD, prompt=ODD, user=ODD)
    attempts = (replace(one.attempts[0], cost=math.inf), *one.attempts[1:])
    one = replace(one, attempts=attempts)
    return [replace(one, id=f"{n}-{ODD}") for n in range(count)]


def count(store: AuditStore) -> int:
    with store.session() as session:
        return int(session.scalars(text("SELECT count(*) FROM outcomes")).one())


def test_what_is_loaded_is_as_if_recorded(store: AuditStore, run: Run) -> None:
    outcomes = made(run, MANY + 10)
    store.record(outcomes[0], outcomes[7])
    loaded = store.load(iter(outcomes), batch=MANY + 3)
    assert (loaded.count, loaded.known) == (MANY + 8, 2)
    assert [store.outcome(o.id) for o in outcomes[::40]] == outcomes[::40]
    assert list(verify(store)) == []
    assert set(loaded.heads) == set(heads(store))
    assert reports.totals(store).outcomes == len(outcomes)
    store.record(run("After that."))
    assert list(verify(store, loaded.heads)) == []


def test_a_load_that_broke_off_is_begun_again(store: AuditStore, run: Run) -> None:
    outcomes = made(run, 10)

    def broken() -> Iterator[Outcome]:
        yield from outcomes[:7]
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="ends here"):
        store.load(broken(), batch=2)
    assert 4 <= count(store) <= 6
    before = count(store)
    loaded = store.load(outcomes, batch=3)
    assert (loaded.count, loaded.known) == (10 - before, before)
    assert store.load(outcomes).count == 0
    assert list(verify(store)) == []


def test_a_batch_with_an_outcome_that_no_database_holds_is_not_loaded(
    store: AuditStore, run: Run
) -> None:
    outcomes = made(run, 6)
    outcomes[4] = replace(outcomes[4], seconds=math.nan)
    with pytest.raises(ValueError, match="NaN"):
        store.load(outcomes, batch=2)
    assert count(store) == 4
    assert list(verify(store)) == []


def test_nothing_and_no_room(store: AuditStore) -> None:
    assert store.load([]).count == 0
    with pytest.raises(ValueError, match="room for 1 outcome"):
        store.load([], batch=0)


def test_long_texts_make_small_batches(store: AuditStore, run: Run) -> None:
    one = run("In Paris. " * 400_000)
    outcomes = [replace(one, id=str(n)) for n in range(20)]
    assert store.load(outcomes).count == 20
    assert store.outcome("19") == outcomes[19]


def test_cells_refuse_what_has_no_form() -> None:
    with pytest.raises(KeyError):
        cells([object()])


def test_a_row_of_an_older_version_is_null_where_it_says_nothing() -> None:
    row = dict.fromkeys(columns("correlations"), 1)
    del row["lookup"]
    assert rests("correlations", [row]) == ["1\t1\t1\t\\N\n"]


def test_sums_are_added_up_while_others_are_sent(
    store: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_SUMMED", 10)
    before = sys.getswitchinterval()
    seen: list[float] = []

    def watched() -> Iterator[Outcome]:
        for outcome in made(run, 100):
            seen.append(sys.getswitchinterval())
            yield outcome

    assert store.load(watched(), batch=7).count == 100
    assert max(seen) < before == sys.getswitchinterval()
    assert summaries.missing(store) == 0
    assert store.retrying(lambda connection: list(summaries.drift(connection))) == []
    assert reports.totals(store).outcomes == 100


def test_sums_can_be_left_to_the_next_report(store: AuditStore, run: Run) -> None:
    assert store.load(made(run, 30), sums=False).count == 30
    assert summaries.missing(store) == 30
    assert reports.totals(store).outcomes == 30  # from the rows
    summaries.summarise(store)
    assert summaries.missing(store) == 0
    assert reports.totals(store).outcomes == 30


async def test_many_tasks_record_at_once(store: AuditStore, run: Run) -> None:
    import asyncio

    outcomes = made(run, 40)
    await asyncio.gather(*(store.arecord(outcome) for outcome in [*outcomes, *outcomes[:5]]))
    assert count(store) == 40
    assert list(verify(store)) == []
