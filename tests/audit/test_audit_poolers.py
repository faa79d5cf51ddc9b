"""A pooler of transactions between the store and PostgreSQL, and a server to read from."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from trustlayer import Outcome
from trustlayer.audit import AuditStore, reports
from trustlayer.audit.verification import verify
from trustlayer.errors import StoreUnavailable

Run = Callable[..., Outcome]


class Postgres(Protocol):
    """The server of conftest.py."""

    folder: Path
    as_user: Sequence[str]

    def database(self) -> str: ...


@pytest.fixture
def pooled(postgres: Postgres, tmp_path: Path) -> Iterator[str]:
    """The URL of a store behind PgBouncer, which gives a transaction any session it likes."""
    if (program := shutil.which("pgbouncer")) is None:
        pytest.skip("PgBouncer is not installed: apt install pgbouncer")
    direct = postgres.database()
    AuditStore.create(direct).close()
    schema = direct.split("search_path%3D")[1]
    folder = postgres.folder / f"pooler-{schema}"
    folder.mkdir()
    target = f"host={postgres.folder} dbname=postgres user=postgres"
    (folder / "ini").write_text(
        f"[databases]\nstore = {target} connect_query='SET search_path TO {schema}'\n"
        f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = 3\nlogfile = {folder}/log\n"
    )
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    command = [*postgres.as_user, program, str(folder / "ini")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not list(folder.glob(".s.PGSQL.*")):
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        yield f"postgresql://postgres@/store?host={folder}&port=6432"
        process.terminate()


def test_many_writers_behind_a_pooler_of_transactions(pooled: str, run: Run) -> None:
    one = run("Bad!", "Good.")
    outcomes = [replace(one, id=str(n)) for n in range(60)]
    url = f"{pooled}&prepare_threshold=none"
    with AuditStore.open(url) as store, AuditStore.open(url) as other:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: (store, other)[n % 2].record(outcomes[n]), range(60)))
        store.load(replace(one, id=str(n)) for n in range(50, 300))
        assert reports.totals(other).outcomes == 300
        assert list(verify(store)) == []


def test_a_threshold_that_is_none() -> None:
    url = "postgresql://nobody@/nowhere?prepare_threshold=often"
    with pytest.raises(StoreUnavailable, match="expected a number, or none"):
        AuditStore.open(url)
