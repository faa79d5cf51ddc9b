"""A desk over a real store, served for real, and a real Chromium to look at it."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Verifier, detector, load
from trustlayer.audit import AuditStore
from trustlayer.web import Desk, Reviewer, Reviewers, Settings, application

ALICE, BOB = "token-of-alice-0123456789", "token-of-bob-0123456789ab"
TOWER = "The tower is 324 m tall. It was finished in 1889."
HOSTILE = (
    "<script>window.pwned=1</script>\"'><img src=x onerror=window.pwned=2>"
    "<svg onload=window.pwned=3></textarea></mark></q><a href=javascript:window.pwned=4>x</a>"
    "{{7*7}} \u202egpj.exe\x00\x1b[2J\ud800 330 m"
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
]


@detector
def suspicion(exchange: Exchange) -> Finding:
    """Repeats what it was given, to see whether anybody takes it for more than text."""
    hostile = "<script" in exchange.answer
    return Finding(0.9, (Evidence(HOSTILE),)) if hostile else Finding(0.0)


@dataclass(frozen=True, slots=True)
class World:
    """A desk, where it is served, and what is in it."""

    url: str
    store: AuditStore
    desk: Desk
    hostile: str = HOSTILE

    def hold(self, question: str = "How tall is it?", answer: str = "It is 330 m tall.") -> Outcome:
        """An outcome that is held, after a revision that was no better."""
        answers = iter([answer, f"{answer} It was finished in 1887."])
        verifier = Verifier(
            [load("figures"), suspicion],
            models=[lambda text: next(answers)],
            policy=Policy(revisions=1),
            store=self.store,
        )
        outcome = verifier.run(question, [TOWER, "A second passage."], correlation={"thread": "t"})
        assert outcome.action == "hold"
        return outcome


def made_desk(store: AuditStore, **settings: object) -> Desk:
    people = [Reviewer.with_token("alice", ALICE), Reviewer.with_token("bob", BOB)]
    bounds = {"rate": 10_000.0, "burst": 100_000, **settings}
    verifier = Verifier([load("figures"), suspicion], store=store)
    return Desk(store, Reviewers(people), lambda: verifier, Settings(**bounds))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AuditStore]:
    with AuditStore.create(f"sqlite:///{tmp_path}/desk.db") as made:
        yield made


@pytest.fixture
def make_desk(store: AuditStore) -> Callable[..., Desk]:
    return lambda **settings: made_desk(store, **settings)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A desk served on a free port of this machine."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AuditStore.create(f"sqlite:///{folder}/desk.db") as store,
    ):
        desk = made_desk(store)
        app = application(desk)
        config = uvicorn.Config(app, port=0, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield World(f"http://127.0.0.1:{port}", store, desk)
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()
