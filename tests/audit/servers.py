"""A PostgreSQL server of our own, for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text


class NoServer(RuntimeError):
    """No PostgreSQL can be started here; the message tells why."""


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server that listens to nothing but a socket in its own folder."""

    folder: Path
    binaries: Path
    as_user: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

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


@contextmanager
def started(settings: Mapping[str, str]) -> Generator[Postgres]:
    """A server with *settings*, in a temporary folder; raises NoServer."""
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="trustlayer-pg-"))
    as_user: list[str] = []
    try:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            if shutil.which("runuser") is None:
                raise NoServer("PostgreSQL does not run as root, and there is no runuser")
            shutil.chown(folder, "postgres", "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]
        server = Postgres(folder, binaries, as_user, settings)
        server.call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise NoServer("no PostgreSQL server is installed: apt install postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent
