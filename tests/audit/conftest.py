"""Databases to test on: SQLite files, and a PostgreSQL server of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.audit.servers import NoServer, Postgres, started
from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore

Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    settings = {"fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}
    with ExitStack() as stack:
        try:
            server = stack.enter_context(started(settings))
        except NoServer as error:
            pytest.skip(str(error))
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/audit.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def store(url: str) -> Iterator[AuditStore]:
    with AuditStore.create(url) as made:
        yield made


@detector
def _shouting(exchange: Exchange) -> Finding:
    at = exchange.answer.find("!")
    doubts = (Evidence("shouts", Span(at, at + 1)), Evidence("is rude")) if at >= 0 else ()
    return Finding(0.9 if doubts else 0.125, doubts)


@detector
def _picky(exchange: Exchange) -> Finding:
    if "?" in exchange.answer:
        raise RuntimeError("no questions")
    return Finding(0.0)


@pytest.fixture
def run() -> Run:
    """Run a small verifier: answers with "!" are bad, those with "?" cannot be examined."""

    def go(
        *answers: str, prompt: str = "Where is Paris?", store: AuditStore | None = None, **ids: str
    ) -> Outcome:
        said = iter(answers or ("In France.",))
        models = [_model("small", said), _model("large", said)]
        verifier = Verifier([_shouting, _picky], models, Policy(), store)
        return verifier.run(prompt, ["Paris lies in France."], correlation=ids)

    return go


def _model(name: str, said: Iterator[str]) -> Callable[[str], str]:
    def ask(_: str) -> str:
        return next(said)

    ask.__name__ = name
    return ask
