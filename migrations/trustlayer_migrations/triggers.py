"""Triggers that refuse to change or remove what has been recorded."""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

_REFUSE = """
CREATE FUNCTION trustlayer_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def make_function() -> None:
    """Make what the triggers call, on a database that needs a function for that."""
    if _postgresql():
        op.execute(_REFUSE)


def drop_function() -> None:
    """Undo `make_function`."""
    if _postgresql():
        op.execute("DROP FUNCTION trustlayer_append_only")


def make_triggers(tables: Mapping[str, str | None]) -> None:
    """Make *tables* append-only, but for updates that fulfil a table's condition."""
    for table, condition in tables.items():
        for statement in _postgres(table, condition) if _postgresql() else _lite(table, condition):
            op.execute(statement)


def drop_triggers(tables: Mapping[str, str | None]) -> None:
    """Undo `make_triggers`."""
    for table in tables:
        for event in ("update", "delete", "truncate") if _postgresql() else ("update", "delete"):
            where = f" ON {table}" if _postgresql() else ""
            op.execute(f"DROP TRIGGER {table}_no_{event}{where}")


def erasable(body: str, *kept: str) -> str:
    """The condition under which a text in *body* may be sealed or erased, *kept* staying as is.

    What was erased stays erased, and what is sealed is never stored in the open again.
    """
    same = (
        "CAST(NEW.{0} AS TEXT) IS NOT DISTINCT FROM CAST(OLD.{0} AS TEXT)"  # JSON has no equality
        if _postgresql()
        else "NEW.{0} IS OLD.{0}"
    )
    unchanged = [same.format(column) for column in kept]
    gone = f"NEW.{body} IS NULL AND NEW.salt IS NULL"
    sealed = f"(NEW.sealed IS NULL OR OLD.{body} IS NOT NULL OR OLD.sealed IS NOT NULL)"
    return " AND ".join([*unchanged, gone, sealed])


def _postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"


def _lite(table: str, condition: str | None) -> list[str]:
    when = f"WHEN NOT ({condition})" if condition else ""
    return [
        f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table} {only} "
        f"BEGIN SELECT RAISE(ABORT, 'append-only: {event} on {table} is refused'); END"
        for event, only in (("update", when), ("delete", ""))
    ]


def _postgres(table: str, condition: str | None) -> list[str]:
    when = f"WHEN (NOT ({condition}))" if condition else ""
    row = "FOR EACH ROW"
    return [
        f"CREATE TRIGGER {table}_no_{event} BEFORE {event} ON {table} {only} "
        "EXECUTE FUNCTION trustlayer_append_only()"
        for event, only in (
            ("update", f"{row} {when}"),
            ("delete", row),
            ("truncate", "FOR EACH STATEMENT"),
        )
    ]
