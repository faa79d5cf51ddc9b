"""Databases to test on: SQLite files, and a PostgreSQL server of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector
from trustlayer.audit import AuditStore

Run = Callable[..., Outcome]


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server that listens to nothing but a socket in its own folder."""

    folder: Path
    binaries: Path
    as_user: Sequence[str]
    settings: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        where = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' {options}"
        self.call("pg_ctl", "start", "-w", "-l", str(self.folder / "log"), "-o", where)

    def stop(self, mode: str = "immediate") -> None:
        self.call("pg_ctl", "stop", "-w", "-m", mode)

    def call(self, program: str, *arguments: str) -> None:
        command = [*self.as_user, str(self.binaries / program), "-D", str(self.folder / "data")]
        subprocess.run(
            [*command, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.folder
        )

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@/postgres?host={self.folder}"

    def database(self) -> str:
        """The URL of a schema of its own: as good as an empty database, and made faster."""
        name = f"t{uuid.uuid4().hex}"
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        engine.dispose()
        return f"{self.url}&options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed: apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="trustlayer-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser to change to")
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    settings = {"fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}
    server = Postgres(folder, binaries, as_user, settings)
    server.call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


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
