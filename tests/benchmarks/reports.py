"""How long every report takes on a large audit store.

    python tests/benchmarks/reports.py [--outcomes 1000000] [--db URL] [--keep] [--turns 3]

Fills the store at URL, an empty database (a new SQLite file in a temporary folder without it),
with made-up outcomes of 90 days, three models, five prompt templates and four detectors; then
prints the time of each report, the median of some turns, over all outcomes, over 30 days that begin
and end at noon, and of one model; in brackets the time on a processor, which on SQLite is all of it
and does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, text

from trustlayer.audit import AuditStore, reports
from trustlayer.audit.reports import Every, Scope

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 90
DETECTORS = ("figures", "grounding", "quotations", "toxicity")
CHAINS = 4
AT_ONCE = 100_000

# Chances that a database can compute: i is the number of the outcome.
_U = "(((i * {0}) % 1000003) / 1000003.0)"
_TRIES = f"(CASE WHEN {_U.format(7919)} < 0.76 THEN 1 WHEN {_U.format(7919)} < 0.88 THEN 2 " \
    f"WHEN {_U.format(7919)} < 0.95 THEN 3 ELSE 4 END)"  # fmt: skip
_LAST = f"(k = {_TRIES} - 1)"
_GOOD = f"({_LAST} AND {_TRIES} < 4)"
_RISK = f"(CASE WHEN {_GOOD} THEN 0.5 * {_U.format(104729)} * {_U.format(15485863)} " \
    f"ELSE 0.5 + 0.5 * {_U.format(32452843)} END)"  # fmt: skip
_ACTION = f"(CASE WHEN {_GOOD} THEN 'accept' WHEN {_LAST} THEN 'hold' " \
    "WHEN k = 1 THEN 'escalate' ELSE 'revise' END)"  # fmt: skip


def fill(store: AuditStore, outcomes: int) -> None:
    """Insert that many, in the database itself: what is measured is reading."""
    with store.transaction() as connection:
        _registers(connection)
    for start in range(1, outcomes + 1, AT_ONCE):
        with store.transaction() as connection:
            for statement in _statements(connection.dialect.name == "sqlite", outcomes):
                last = min(start + AT_ONCE - 1, outcomes)
                connection.execute(text(statement), {"low": start, "high": last})
    with store.transaction() as connection:
        connection.execute(
            text(
                "UPDATE chains SET length = (SELECT max(o.sequence) FROM outcomes o "
                "WHERE o.chain = chains.number)"
            )
        )


def _registers(connection: Connection) -> None:
    chain = text(
        "INSERT INTO chains (number, id, opened, length, head) VALUES (:n, :id, :now, 0, :head)"
    )
    for n in range(1, CHAINS + 1):
        connection.execute(chain, {"n": n, "id": f"chain-{n}", "now": BEGUN, "head": b"0"})
    policy = text("INSERT INTO policies (number, digest, policy) VALUES (1, :digest, 'Policy()')")
    connection.execute(policy, {"digest": b"0"})
    detector = text(
        "INSERT INTO detectors (number, digest, name, version, options) "
        "VALUES (:n, :digest, :name, '1', '')"
    )
    for n, name in enumerate(DETECTORS, 1):
        connection.execute(detector, {"n": n, "digest": name.encode(), "name": name})


def _statements(lite: bool, outcomes: int) -> list[str]:
    if lite:
        series = "(WITH RECURSIVE s(i) AS (SELECT :low UNION ALL SELECT i + 1 FROM s WHERE i < :high) SELECT i FROM s)"  # noqa: E501
    else:
        series = "(SELECT i FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint)) g(i))"
    every = DAYS * 86400 / outcomes
    moment = (
        f"strftime('%Y-%m-%d %H:%M:%f', {BEGUN.timestamp()} + i * {every}, 'unixepoch') || '000'"
        if lite
        else f"to_timestamp({BEGUN.timestamp()} + i * {every})"
    )
    blob = "X'00'" if lite else "'\\x00'::bytea"
    yes, no = ("1", "0") if lite else ("true", "false")
    attempts = f"{series} q CROSS JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) t"  # noqa: E501
    tried = f"WHERE k < {_TRIES}"
    every_detector = (
        "CROSS JOIN (SELECT 1 AS d UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) w"
    )
    model = "(CASE WHEN k < 2 THEN (CASE WHEN i % 5 = 0 THEN 'medium' ELSE 'small' END) ELSE 'large' END)"  # noqa: E501
    unread = f"(d = 4 AND {_U.format(49979687)} < 0.1)"
    risk = f"(CASE WHEN d = 1 + i % 4 THEN {_RISK} ELSE {_RISK} * {_U.format(67867967)} END)"
    return [
        f"INSERT INTO outcomes (number, id, started, recorded, seconds, action, policy, version, prompt, context, answer, chain, sequence, content, hash, template) "  # noqa: E501, S608
        f"SELECT i, 'outcome-' || i, {moment}, {moment}, 0.3 + {_TRIES} * {_U.format(122949823)}, "
        f"(CASE WHEN {_TRIES} < 4 THEN 'accept' ELSE 'hold' END), 1, '0', 0, '[]', 1, "
        f"1 + i % {CHAINS}, (i - 1) / {CHAINS} + 1, {blob}, {blob}, "
        f"(CASE WHEN i % 7 = 0 THEN NULL ELSE 'template-' || (i % 5) END) FROM {series} q",
        f"INSERT INTO texts (outcome, number, digest, salt, body) SELECT i, n, {blob}, {blob}, "  # noqa: S608
        f"(CASE n WHEN 0 THEN 'What is said of number ' || i || '?' WHEN 1 THEN 'An answer.' "
        f"ELSE 'no context to compare the answer with' END) FROM {series} q "
        "CROSS JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) t",
        f"INSERT INTO attempts (outcome, number, model, request_prompt, request_context, draft, advice, answer, answered_prompt, answered_context, samples, verdict, risk, action, kept, seconds, tokens_in, tokens_out, cost) "  # noqa: E501, S608
        f"SELECT i, k, {model}, 0, '[]', 1, 1, 1, 0, '[]', '[]', {_ACTION}, {_RISK}, {_ACTION}, "
        f"(CASE WHEN k = 0 OR {_GOOD} THEN {yes} ELSE {no} END), 0.2 + {_U.format(86028121)}, "
        f"200 + i % 300, 50 + i % 100, 0.0001 * (1 + i % 40) FROM {attempts} {tried}",
        f"INSERT INTO findings (outcome, attempt, number, detector, risk, risk_limit, unexamined, seconds) "  # noqa: E501, S608
        f"SELECT i, k, d - 1, d, (CASE WHEN {unread} THEN NULL ELSE {risk} END), 0.5, "
        f"(CASE WHEN {unread} THEN 2 END), 0.002 + 0.01 * {_U.format(141650939)} "
        f"FROM {attempts} {every_detector} {tried}",
    ]


REPORTS: dict[str, Callable[[AuditStore, Scope], object]] = {
    "totals": reports.totals,
    "by_action": reports.by_action,
    "over_time": reports.over_time,
    "over_time, hours": lambda store, scope: reports.over_time(
        store, _last_days(scope), Every.HOUR
    ),
    "by_detector": reports.by_detector,
    "by_model": reports.by_model,
    "by_template": reports.by_template,
    "risk_spreads": reports.risk_spreads,
    "unexamined": reports.unexamined,
    "timings": reports.timings,
    "gains": reports.gains,
    "labelled_gains": reports.labelled_gains,
    "bad_rates": reports.bad_rates,
    "calibrations": reports.calibrations,
    "drift": reports.drift,
    "lines": reports.lines,
}


def _last_days(scope: Scope) -> Scope:
    # By the hour two days are shown at most.
    until = scope.until or BEGUN + timedelta(days=DAYS)
    return replace(scope, since=until - timedelta(days=2), until=until)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--db")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.db or f"sqlite:///{Path(folder) / 'audit.db'}"
        with AuditStore.create(url) as store:
            measure(store, options.outcomes, options.turns)


def measure(store: AuditStore, outcomes: int, turns: int) -> None:
    if reports.totals(store).outcomes < outcomes:
        print(f"filled in {timed(lambda: fill(store, outcomes)):.0f} s")
    print(f"summarised in {timed(lambda: reports.summarise(store)):.0f} s")
    noon = BEGUN + timedelta(days=20, hours=12)
    scopes = {
        "all": Scope(),
        "30 days": Scope(since=noon, until=noon + timedelta(days=30)),
        "one model": Scope(model="small"),
    }
    print(f"{'report':28}" + "".join(f"{name:>18}" for name in scopes))
    for name, report in REPORTS.items():
        row = [
            _both([taken(partial(report, store, scope)) for _ in range(turns)])
            for scope in scopes.values()
        ]
        print(f"{name:28}" + "".join(f"{told:>18}" for told in row), flush=True)


def taken(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall, and on a processor by this process."""
    begun = time.process_time()
    wall = timed(act)
    return wall, time.process_time() - begun


def _both(turns: Sequence[tuple[float, float]]) -> str:
    wall, processor = (median(column) for column in zip(*turns, strict=True))
    return f"{wall:.2f} s ({processor:.2f})"


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
