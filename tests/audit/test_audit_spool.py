"""While the database is away: answers withheld, or outcomes spooled and replayed once, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from typer.testing import CliRunner

from tests.audit.proxies import Proxy
from trustlayer import Outcome
from trustlayer.audit import AuditStore, frames
from trustlayer.audit.records import record
from trustlayer.audit.sealing import Keys
from trustlayer.audit.spool import Spool
from trustlayer.audit.spooled import frozen, thawed
from trustlayer.audit.texts import Form, Texts
from trustlayer.audit.verification import verify
from trustlayer.cli import app
from trustlayer.errors import OutcomeConflict, StoreUnavailable

Run = Callable[..., Outcome]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no flock there")


class Postgres(Protocol):
    """The server of conftest.py."""

    folder: Path

    def database(self) -> str: ...


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="trustlayer-proxy-") as folder:
        os.chmod(folder, 0o755)
        proxy = Proxy(Path(folder), postgres.folder)
        proxy.start()
        yield proxy
        proxy.stop()


@pytest.fixture
def url(postgres: Postgres, proxy: Proxy) -> str:
    """A database behind the proxy, with a store in it."""
    direct = postgres.database()
    AuditStore.create(direct).close()
    return direct.replace(str(postgres.folder), str(proxy.folder))


def ids(store: AuditStore) -> list[str]:
    with store.session() as session:
        return list(session.scalars(text("SELECT id FROM outcomes ORDER BY number")))


def test_without_a_spool_nothing_is_handed_out(url: str, proxy: Proxy, run: Run) -> None:
    with AuditStore.open(url) as store:
        run(store=store)
        proxy.stop()
        with pytest.raises(StoreUnavailable):
            run(store=store)
        proxy.start()
        run(store=store)
        assert len(ids(store)) == 2


def test_what_was_spooled_is_replayed_once_and_in_order(
    url: str, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    with AuditStore.open(url, spool=tmp_path) as store:
        made = [run(store=store)]
        proxy.stop()
        made += [run("Bad! " * n, "Good.", prompt=f"{n}?", store=store) for n in range(1, 4)]
        assert [p.suffix for p in tmp_path.iterdir()] == [".spool"]
        proxy.start()
        assert store.drain().count == 3
        assert list(tmp_path.iterdir()) == []
        made.append(run(store=store))
        assert ids(store) == [outcome.id for outcome in made]
        assert [store.outcome(outcome.id) for outcome in made] == made
        assert list(verify(store)) == []


def test_the_next_write_replays(url: str, proxy: Proxy, run: Run, tmp_path: Path) -> None:
    proxy.stop()
    with AuditStore.open(url, spool=tmp_path) as store:
        made = [run(store=store) for _ in range(3)]
    with AuditStore.open(url, spool=tmp_path) as store:  # another process, as good as
        made.append(run(store=store))
        assert len(list(tmp_path.iterdir())) == 2
    proxy.start()
    with AuditStore.open(url, spool=tmp_path) as store:
        made.append(run(store=store))
        assert ids(store) == [outcome.id for outcome in made]


def test_what_is_recorded_and_spooled_again_is_there_once(
    url: str, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    outcome, other = run("Bad!", "Good."), run("Other.")
    with AuditStore.open(url, spool=tmp_path) as store:
        store.record(other)
        proxy.stop()
        store.record(outcome)
        store.record(outcome)
        store.record(other)
        proxy.start()
        assert store.drain().count == 3
        assert ids(store) == [other.id, outcome.id]
        assert store.outcome(outcome.id) == outcome


def test_a_crash_between_commit_and_removal_duplicates_nothing(
    url: str, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    proxy.stop()
    with AuditStore.open(url, spool=tmp_path) as store:
        made = [run(store=store) for _ in range(3)]
    [file] = tmp_path.iterdir()
    kept = file.read_bytes()
    proxy.start()
    with AuditStore.open(url, spool=tmp_path) as store:
        assert store.drain().count == 3
        file.write_bytes(kept)
        assert store.drain().aside == ()
        assert ids(store) == [outcome.id for outcome in made]
        assert list(verify(store)) == []


@pytest.mark.parametrize("cut", [1, 39, 40, 41, 200])
def test_a_torn_end_is_put_aside(
    url: str, proxy: Proxy, run: Run, tmp_path: Path, cut: int
) -> None:
    proxy.stop()
    with AuditStore.open(url, spool=tmp_path) as store:
        made = [run(store=store) for _ in range(2)]
        [file] = tmp_path.iterdir()
        whole = file.stat().st_size
        run(store=store)
    data = file.read_bytes()
    file.write_bytes(data[: whole + cut])
    proxy.start()
    told = CliRunner().invoke(app, ["audit", "drain", "--spool", str(tmp_path), "--db", url])
    assert told.exit_code == 3
    assert "2 outcome(s)" in told.output
    [torn] = tmp_path.iterdir()
    assert torn.suffix == ".torn"
    assert torn.read_bytes() == data[whole : whole + cut]
    with AuditStore.open(url) as store:
        assert ids(store) == [outcome.id for outcome in made]


def test_what_no_database_takes_is_put_aside_and_the_rest_goes_on(
    url: str, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    one, other = run("One."), run("Other.")
    with AuditStore.open(url, spool=tmp_path) as store:
        store.record(one)
        proxy.stop()
        store.record(other)
        with_its_id = _with_id(run("Another."), one.id)
        store.record(with_its_id)
        Spool(tmp_path).append([b"[]"])
        proxy.start()
        drained = store.drain()
        assert ids(store) == [one.id, other.id]
        assert store.outcome(one.id) == one
        refused = [path.read_bytes() for path in drained.aside]
        assert sum(b"Another." in data for data in refused) == 1
        assert len(refused) == 2
        with pytest.raises(OutcomeConflict):
            store.record(with_its_id)


def test_a_full_spool_withholds_the_answer(url: str, proxy: Proxy, run: Run) -> None:
    resource = pytest.importorskip("resource", reason="not on this system")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    proxy.stop()
    with tempfile.TemporaryDirectory() as folder, AuditStore.open(url, spool=Path(folder)) as store:
        kept = [run(store=store)]
        [file] = Path(folder).iterdir()
        size = file.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, limits[1]))
        try:
            with pytest.raises(StoreUnavailable, match="neither the database nor the spool"):
                run(store=store)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert file.stat().st_size == size
        kept.append(run(store=store))
        proxy.start()
        assert store.drain().count == 2
        assert ids(store) == [outcome.id for outcome in kept]


def test_the_schema_is_looked_at_when_the_database_is_back(
    postgres: Postgres, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    url = postgres.database().replace(str(postgres.folder), str(proxy.folder))
    proxy.stop()
    with AuditStore.create(url, spool=tmp_path) as store:
        outcome = run(store=store)
        proxy.start()
        assert store.drain().count == 1
        assert store.outcome(outcome.id) == outcome


def test_the_spool_keeps_texts_in_the_form_in_which_the_store_does(
    url: str, proxy: Proxy, run: Run, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography", reason="needs the extra 'crypto'")
    keys = Keys((os.urandom(32),))
    proxy.stop()
    with AuditStore.open(url, spool=tmp_path / "sealed", keys=keys) as store:
        sealed = run("The secret is out.", store=store)
        store.record(sealed)
        proxy.start()
        assert b"secret" not in _bytes(tmp_path / "sealed")
        store.drain()
        assert store.outcome(sealed.id) == sealed
    proxy.stop()
    with AuditStore.open(url, spool=tmp_path / "redacted", texts=Texts(Form.REDACTED)) as store:
        run("Write to ann@example.org.", store=store)
        assert b"ann@example.org" not in _bytes(tmp_path / "redacted")


WRITER = """
import os, sys
from pathlib import Path
from trustlayer import Finding, Verifier, detector
from trustlayer.audit import AuditStore

@detector
def calm(exchange):
    return Finding(0.25)

store = AuditStore.open(sys.argv[1], spool=Path(sys.argv[2]))
verifier = Verifier([calm], [lambda text: "In France. " * 500], store=store)
while True:
    os.write(1, f"{verifier.run('Where is Paris?').id}\\n".encode())
"""


def test_what_was_handed_out_survives_a_killed_writer_and_an_absent_database(
    url: str, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.stop()
    said: list[str] = []
    for count in (1, 3, 6):
        command = [sys.executable, "-c", WRITER, url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said += [process.stdout.readline().strip() for _ in range(count)]
            process.send_signal(signal.SIGKILL)
            said += [line.strip() for line in process.stdout if line.endswith("\n")]
    proxy.start()
    with AuditStore.open(url, spool=tmp_path) as store:
        store.drain()
        stored = ids(store)
        assert len(set(stored)) == len(stored)
        assert set(said) <= set(stored)
        assert list(verify(store)) == []


async def test_tasks_spool_as_threads_do(url: str, proxy: Proxy, run: Run, tmp_path: Path) -> None:
    made = [run(prompt=f"{n}?") for n in range(5)]
    with AuditStore.open(url, spool=tmp_path) as store:
        proxy.stop()
        for outcome in made:
            await store.arecord(outcome)
        proxy.start()
        store.drain()
        assert ids(store) == [outcome.id for outcome in made]


def test_a_store_without_a_spool_cannot_be_drained(run: Run) -> None:
    with AuditStore.create("sqlite://") as store, pytest.raises(ValueError, match="spool="):
        store.drain()


def test_a_file_of_another_kind_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "1.spool").write_bytes(b"nothing of ours")
    spool = Spool(tmp_path)
    [path] = spool.files()
    assert spool.replay(path, lambda payloads: payloads, 10) == 0
    assert [p.name for p in spool.aside()] == ["1.torn"]


@given(st.lists(st.binary(max_size=50), max_size=8), st.data())
def test_frames_end_where_a_byte_is_wrong(payloads: list[bytes], data: st.DataObject) -> None:
    whole = frames.header() + frames.framed(payloads)
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryFile() as file:
        file.write(whole)
        file.flush()
        found = frames.read(file.fileno(), frames.place(file.fileno()), 100)
        assert (list(found.payloads), found.end, found.torn) == (payloads, len(whole), False)
        os.pwrite(file.fileno(), broken, 0)
        if at >= frames.START:
            found = frames.read(file.fileno(), frames.START, 100)
            assert found.torn
            assert list(found.payloads) == payloads[: len(found.payloads)]
            assert len(found.payloads) < len(payloads)


def test_a_record_is_the_same_after_the_spool(run: Run) -> None:
    made = record(run("Bad! \0\ud800\ufdd0", "Good.", user="7"))
    found = thawed(frozen(made))
    assert found.rows == made.rows
    assert found.rows.content == made.content == found.content
    assert (found.policy, found.detectors) == (made.policy, made.detectors)
    with pytest.raises(ValueError, match="not a spooled outcome"):
        thawed(b"{}")


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def _with_id(outcome: Outcome, id: str) -> Outcome:
    return replace(outcome, id=id)
