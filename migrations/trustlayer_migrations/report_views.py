"""The views of revision 0004, in the SQL of each database.

Those of ROWS have one row for each outcome, attempt, finding, unexamined finding, measurement
or labelled answer; those of DAILY add them up by day. None holds a text, a person's name or a
caller's own id.
"""

from __future__ import annotations

from string import Template

# Of each table of sums: its view of rows, what its rows are told apart by, what is added up.
DAILY: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "outcome_days": (
        "report_outcomes",
        ("day", "action", "model", "template"),
        (
            "outcomes", "interrupted", "seconds", "at_once", "revised", "escalated", "answered",
            "risk", "risk_squared", "several", "risk_before", "risk_after",
        ),
    ),
    "attempt_days": (
        "report_attempts",
        ("day", "model", "template"),
        (
            "attempts", "failed", "accepted", "answered", "risk", "seconds", "tokens_in",
            "tokens_out", "cost", "priced", "revisions", "better_revisions", "escalations",
            "better_escalations", "extra_cost", "extra_seconds",
        ),
    ),
    "finding_days": (
        "report_findings",
        ("day", "detector", "model", "template"),
        (
            "findings", "examined", "over_limit", "unexamined", "risk", "timed", "seconds",
            "final", "final_risk", "final_risk_squared",
        ),
    ),
    "unexamined_days": (
        "report_unexamined",
        ("day", "detector", "model", "template", "reason"),
        ("findings",),
    ),
    "measure_days": (
        "report_measures",  # all of MEASURES
        ("measure", "day", "detector", "model", "template", "value"),
        ("count",),
    ),
}  # fmt: skip


def views(dialect: str) -> dict[str, str]:
    """All views by name, those that others rest upon first."""
    words = _LITE if dialect == "sqlite" else _POSTGRES
    rows = {name: _written(select, words) for name, select in ROWS.items()}
    rows["report_measures"] = " UNION ALL ".join(f"SELECT * FROM {view}" for view in MEASURES)  # noqa: S608
    return rows | {f"{DAILY[table][0]}_daily": _daily(table, dialect) for table in DAILY}


def _written(select: str, words: dict[str, str]) -> str:
    select = Template(select).substitute(_OFTEN)
    for word, written in words.items():
        before, *rest = select.split(f"{word}(")
        for part in rest:
            inside, after = part.split(")", 1)
            before += written.format(inside) + after
        select = before
    return select


def _daily(table: str, dialect: str) -> str:
    # What is summed already, and what is not yet: a day may have a row of each. Add them up.
    view, keys, sums = DAILY[table]
    named = [f"coalesce(r.{key}, '') AS {key}" if key in _TEXTS else f"r.{key}" for key in keys]
    added = [f"coalesce(sum(r.{name}), 0) AS {name}" for name in sums]
    first = "chains c LEFT JOIN summarised s ON s.chain = c.number"
    join = "CROSS JOIN" if dialect == "sqlite" else "JOIN"  # in this order, on SQLite
    return (
        f"SELECT {', '.join(keys + sums)} FROM {table} UNION ALL "  # noqa: S608
        f"SELECT {', '.join(named + added)} FROM {first} {join} {view} r "
        "ON r.chain = c.number AND r.sequence > coalesce(s.sequence, 0) "
        f"GROUP BY {', '.join(str(n) for n in range(1, len(keys) + 1))}"
    )


_TEXTS = ("model", "template")

_LITE = {
    "DAY": "substr({0}, 1, 10)",
    "TWO_DIGITS": "CAST(printf('%.1e', min(max({0}, 0.0), 1e12)) AS REAL)",
    "HUNDREDTH": "min(CAST(round({0} * 1000) AS INTEGER) / 10, 99) / 100.0",
    "NOTHING": "NULL",
}
_POSTGRES = {
    "DAY": "CAST(timezone('UTC', {0}) AS date)",
    "TWO_DIGITS": "CAST(to_char(least(greatest({0}, 0.0), 1e12), '9.9EEEE') AS double precision)",
    "HUNDREDTH": "least(CAST(round(CAST({0} * 1000 AS numeric)) AS bigint) / 10, 99) / "
    "CAST(100 AS double precision)",
    "NOTHING": "CAST(NULL AS {0})",
}

MEASURES = (
    "report_run_seconds", "report_asking_seconds", "report_costs", "report_answer_risks",
    "report_risks", "report_examining_seconds",
)  # fmt: skip

_OFTEN = {
    "keys": "o.number, o.id, o.started, DAY(o.started) AS day, o.chain, o.sequence",
    "last": "(SELECT max(k.number) FROM attempts k WHERE k.outcome = o.number AND k.kept)",
    "several": "(SELECT count(k.risk) FROM attempts k WHERE k.outcome = o.number) > 1",
    "further": "EXISTS (SELECT 1 FROM attempts k WHERE k.outcome = o.number AND k.number = 1)",
    # Counted, since of EXISTS PostgreSQL makes a hash of all attempts that were escalated.
    "elsewhere": "(SELECT count(*) FROM attempts k "
    "WHERE k.outcome = o.number AND k.action = 'escalate') > 0",
    "final": "o.action = 'accept' AND a.kept AND NOT EXISTS (SELECT 1 FROM attempts k "
    "WHERE k.outcome = a.outcome AND k.number > a.number AND k.kept)",
}

ROWS: dict[str, str] = {
    "report_outcomes": """
        SELECT $keys, o.action, b.model, o.template, o.version, b.number AS attempt,
            1 AS outcomes,
            CASE WHEN o.interrupted IS NULL THEN 0 ELSE 1 END AS interrupted,
            o.seconds,
            CASE WHEN o.action = 'accept' AND NOT $further THEN 1 ELSE 0 END AS at_once,
            CASE WHEN o.action = 'accept' AND $further AND NOT $elsewhere
                THEN 1 ELSE 0 END AS revised,
            CASE WHEN o.action = 'accept' AND $further AND $elsewhere
                THEN 1 ELSE 0 END AS escalated,
            CASE WHEN b.risk IS NULL THEN 0 ELSE 1 END AS answered,
            b.risk, b.risk * b.risk AS risk_squared,
            CASE WHEN $several THEN 1 ELSE 0 END AS several,
            CASE WHEN $several THEN f.risk END AS risk_before,
            CASE WHEN $several THEN b.risk END AS risk_after
        FROM outcomes o
        LEFT JOIN attempts f ON f.outcome = o.number AND f.number = 0
        LEFT JOIN attempts b ON b.outcome = o.number AND b.number = $last
    """,
    "report_attempts": """
        SELECT $keys, a.number AS attempt, a.model, o.template, a.verdict, a.action,
            1 AS attempts,
            CASE WHEN a.answer IS NULL THEN 1 ELSE 0 END AS failed,
            CASE WHEN a.verdict = 'accept' THEN 1 ELSE 0 END AS accepted,
            CASE WHEN a.risk IS NULL THEN 0 ELSE 1 END AS answered,
            a.risk, a.seconds, a.tokens_in, a.tokens_out, a.cost,
            CASE WHEN a.cost IS NULL THEN 0 ELSE 1 END AS priced,
            CASE WHEN p.action = 'revise' THEN 1 ELSE 0 END AS revisions,
            CASE WHEN p.action = 'revise' AND a.kept THEN 1 ELSE 0 END AS better_revisions,
            CASE WHEN p.action = 'escalate' THEN 1 ELSE 0 END AS escalations,
            CASE WHEN p.action = 'escalate' AND a.kept THEN 1 ELSE 0 END AS better_escalations,
            CASE WHEN a.number > 0 THEN a.cost END AS extra_cost,
            CASE WHEN a.number > 0 THEN a.seconds END AS extra_seconds
        FROM outcomes o
        JOIN attempts a ON a.outcome = o.number
        LEFT JOIN attempts p ON p.outcome = a.outcome AND p.number = a.number - 1
    """,
    "report_findings": """
        SELECT $keys, f.attempt, f.detector, d.name AS detector_name,
            d.version AS detector_version, a.model, o.template, f.risk_limit,
            1 AS findings,
            CASE WHEN f.risk IS NULL THEN 0 ELSE 1 END AS examined,
            CASE WHEN f.risk > f.risk_limit THEN 1 ELSE 0 END AS over_limit,
            CASE WHEN f.unexamined IS NULL THEN 0 ELSE 1 END AS unexamined,
            f.risk,
            CASE WHEN f.seconds IS NULL THEN 0 ELSE 1 END AS timed,
            f.seconds,
            CASE WHEN f.risk IS NOT NULL AND $final THEN 1 ELSE 0 END AS final,
            CASE WHEN $final THEN f.risk END AS final_risk,
            CASE WHEN $final THEN f.risk * f.risk END AS final_risk_squared
        FROM outcomes o
        JOIN attempts a ON a.outcome = o.number
        JOIN findings f ON f.outcome = a.outcome AND f.attempt = a.number
        JOIN detectors d ON d.number = f.detector
    """,
    "report_unexamined": """
        SELECT $keys, f.attempt, f.detector, d.name AS detector_name,
            d.version AS detector_version, a.model, o.template, 1 AS findings,
            CASE
                WHEN t.body IS NULL THEN 'erased'
                WHEN t.body LIKE 'not needed: %' THEN 'not needed'
                WHEN t.body LIKE 'raised %' THEN 'raised an error'
                WHEN t.body LIKE 'gave no finding within %' THEN 'out of time'
                WHEN t.body LIKE 'no time was left%' THEN 'out of time'
                WHEN t.body LIKE 'sampling failed: %' THEN 'sampling failed'
                WHEN t.body LIKE 'no context%' THEN 'no context'
                WHEN t.body LIKE 'no samples%' THEN 'no samples'
                WHEN t.body LIKE 'neither samples%' THEN 'no samples'
                WHEN t.body LIKE '%no log-probabilities%' THEN 'no log-probabilities'
                WHEN t.body LIKE 'empty %' THEN 'empty text'
                WHEN t.body LIKE 'returned %' THEN 'no sensible finding'
                WHEN t.body LIKE 'pointed to character %' THEN 'no sensible finding'
                ELSE 'another reason'
            END AS reason
        FROM outcomes o
        JOIN attempts a ON a.outcome = o.number
        JOIN findings f ON f.outcome = a.outcome AND f.attempt = a.number
        JOIN detectors d ON d.number = f.detector
        LEFT JOIN texts t ON t.outcome = f.outcome AND t.number = f.unexamined
        WHERE f.unexamined IS NOT NULL
    """,
    "report_run_seconds": """
        SELECT $keys, 'run' AS measure, 0 AS detector, b.model,
            NOTHING(text) AS template, TWO_DIGITS(o.seconds) AS value, 1 AS count
        FROM outcomes o
        LEFT JOIN attempts b ON b.outcome = o.number AND b.number = $last
    """,
    "report_asking_seconds": """
        SELECT $keys, 'asking' AS measure, 0 AS detector, a.model,
            NOTHING(text) AS template, TWO_DIGITS(a.seconds) AS value, 1 AS count
        FROM outcomes o JOIN attempts a ON a.outcome = o.number WHERE a.model IS NOT NULL
    """,
    "report_costs": """
        SELECT $keys, 'cost' AS measure, 0 AS detector, a.model,
            NOTHING(text) AS template, TWO_DIGITS(a.cost) AS value, 1 AS count
        FROM outcomes o JOIN attempts a ON a.outcome = o.number WHERE a.cost IS NOT NULL
    """,
    "report_answer_risks": """
        SELECT $keys, 'answer' AS measure, 0 AS detector, a.model,
            o.template, HUNDREDTH(a.risk) AS value, 1 AS count
        FROM outcomes o JOIN attempts a ON a.outcome = o.number WHERE a.risk IS NOT NULL
    """,
    "report_risks": """
        SELECT $keys, 'risk' AS measure, f.detector, a.model,
            o.template, HUNDREDTH(f.risk) AS value, 1 AS count
        FROM outcomes o
        JOIN attempts a ON a.outcome = o.number
        JOIN findings f ON f.outcome = a.outcome AND f.attempt = a.number
        WHERE f.risk IS NOT NULL
    """,
    "report_examining_seconds": """
        SELECT $keys, 'examining' AS measure, f.detector, a.model,
            NOTHING(text) AS template, TWO_DIGITS(f.seconds) AS value, 1 AS count
        FROM outcomes o
        JOIN attempts a ON a.outcome = o.number
        JOIN findings f ON f.outcome = a.outcome AND f.attempt = a.number
        WHERE f.seconds IS NOT NULL
    """,
    "report_labels": """
        SELECT $keys, l.attempt, o.action, a.model, o.template, a.risk, l.bad,
            a.kept AND NOT EXISTS (SELECT 1 FROM attempts k
                WHERE k.outcome = a.outcome AND k.number > a.number AND k.kept) AS final,
            l.propensity,
            (SELECT count(*) FROM draws w WHERE w.outcome = o.number) AS draws,
            l.recorded AS labelled
        FROM labels l
        JOIN outcomes o ON o.number = l.outcome
        JOIN attempts a ON a.outcome = l.outcome AND a.number = l.attempt
        WHERE NOT EXISTS (
            SELECT 1 FROM labels n WHERE n.outcome = l.outcome AND n.attempt = l.attempt
            AND (coalesce(n.turn, -1) > coalesce(l.turn, -1)
                OR (coalesce(n.turn, -1) = coalesce(l.turn, -1)
                    AND (n.recorded > l.recorded
                        OR (n.recorded = l.recorded AND n.sequence > l.sequence))))
        )
    """,
}
