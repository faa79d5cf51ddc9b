"""Anchors that are signed: what was forged, cut off or re-ordered is named."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.keyfiles import (
    SigningKey,
    VerifyingKey,
    expect_private,
    keygen,
    keygen_encryption,
)
from trustlayer.audit.sealing import Keys
from trustlayer.audit.sending import append_line, expect_safe, last_line, post
from trustlayer.audit.signing import authentic, signed
from trustlayer.audit.verification import Anchor, heads
from trustlayer.cli import app
from trustlayer.errors import BadKey, MissingExtra, NotSent, Unreadable

pytest.importorskip("cryptography", reason="the extra crypto is not installed")

Run = Callable[..., Outcome]

HEADS = [Anchor("a", 3, b"\1" * 32), Anchor("b", 1, b"\2" * 32)]


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate()


def _three(key: SigningKey) -> list[str]:
    lines = [signed(HEADS[:1], key)]
    lines.append(signed(HEADS, key, lines[-1]))
    lines.append(signed([Anchor("a", 4, b"\3" * 32), HEADS[1]], key, lines[-1]))
    return lines


def _told(lines: list[str], key: SigningKey) -> list[str]:
    return [f"{flaw.row}: {flaw.what}" for flaw in authentic(lines, key.public).flaws]


def test_what_was_signed_is_read_again(key: SigningKey) -> None:
    found = authentic([*_three(key), "\n"], key.public)
    assert found.flaws == ()
    assert found.anchors[:3] == (HEADS[0], *HEADS)
    assert found.made is not None
    assert _told(_three(key)[1:], key) == []  # a file may begin with any


def test_a_forged_anchor_is_named_and_not_believed(key: SigningKey) -> None:
    lines = _three(key)
    document = json.loads(lines[2])
    document["heads"][0]["length"] = 3
    forged = json.dumps(document)
    found = authentic([*lines[:2], forged], key.public)
    assert [flaw.what for flaw in found.flaws] == [
        f"is forged, or signed with another key than {key.public.fingerprint}"
    ]
    assert len(found.anchors) == 3
    [told] = _told([signed(HEADS, SigningKey.generate())], key)
    assert told.startswith("line 1: is forged")


def test_lines_removed_moved_or_put_in_are_named(key: SigningKey) -> None:
    one, two, three = _three(key)
    follows = "does not follow the line before: one was changed, removed, inserted or moved"
    assert _told([one, three], key) == [f"line 2: {follows}"]
    assert f"line 2: {follows}" in _told([two, one, three], key)
    assert f"line 2: {follows}" in _told([one, signed(HEADS, key), two, three], key)


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"signature": 7}', '{"signature": "%"}'])
def test_a_line_that_is_no_signed_anchor(key: SigningKey, line: str) -> None:
    assert _told([line], key) == ["line 1: is no signed anchor"]


def test_every_changed_character_is_found(key: SigningKey) -> None:
    line = signed(HEADS, key)
    for at in range(0, len(line), 7):
        changed = line[:at] + ("0" if line[at] != "0" else "1") + line[at + 1 :]
        assert _told([changed], key), changed


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "anchors.key"
    public, shown = keygen(path)
    assert (path.stat().st_mode & 0o777, public.stat().st_mode & 0o777) == (0o600, 0o644)
    assert VerifyingKey.read(public).fingerprint == shown.fingerprint
    assert SigningKey.read(path).public.fingerprint == shown.fingerprint
    assert "PRIVATE" not in repr(SigningKey.read(path))
    with pytest.raises(BadKey, match="is there already, and no key is overwritten"):
        keygen(path)
    path.rename(tmp_path / "aside")
    with pytest.raises(BadKey, match=r"anchors\.key\.pub is there already"):
        keygen(path)
    secret = tmp_path / "texts.key"
    keygen_encryption(secret)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert len(Keys.read(secret).keys) == 1
    secret.chmod(0o640)
    with pytest.raises(BadKey, match="has mode 640: others may read the key") as caught:
        expect_private(secret)
    assert caught.value.__notes__ == [f"chmod 600 {secret}"]


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    for read, kind in ((SigningKey.read, "private"), (VerifyingKey.read, "public")):
        path.write_text("nonsense")
        with pytest.raises(BadKey, match=f"holds no Ed25519 {kind} key") as caught:
            read(path)
        assert "trustlayer audit keygen" in caught.value.__notes__[0]
        with pytest.raises(BadKey, match="FileNotFoundError"):
            read(tmp_path / "none")
    with pytest.raises(BadKey, match="cannot be written"):
        keygen(tmp_path / "none" / "a.key")


class Receiver:
    """A server on this machine that keeps what it is sent, and answers with *status*."""

    def __init__(self) -> None:
        self.status, self.got = 201, list[str]()
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.got.append(self.rfile.read(length).decode())
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server.server_port}/anchors"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_anchors_are_posted_and_redirections_not_followed(receiver: Receiver) -> None:
    assert post(receiver.url, "{}") == 201
    for status in (302, 307, 500):
        receiver.status = status
        with pytest.raises(NotSent, match=f"answered {status}"):
            post(f"{receiver.url}?token=geheim", "{}")
    assert receiver.got == ["{}"] * 4


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a", "ftp://127.0.0.1/", "file:///etc/passwd", "nonsense", "http://[::1"],
)
def test_anchors_go_by_https_or_to_this_machine(url: str) -> None:
    with pytest.raises(NotSent, match=r"anchors are sent by https|not a URL"):
        expect_safe(url)


def test_a_receiver_that_is_not_there() -> None:
    expect_safe("https://example.org/anchors")
    expect_safe("http://localhost:1/")
    with pytest.raises(NotSent, match="cannot be reached") as caught:
        post("http://me:geheim@127.0.0.1:1/anchors", "{}", 5.0)
    assert "geheim" not in str(caught.value)


def test_files_are_added_to(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    assert last_line(path) == ""
    append_line(path, "one")
    append_line(path, "two")
    assert path.read_text() == "one\ntwo\n"
    assert last_line(path) == "two"
    for act in (lambda: last_line(tmp_path), lambda: append_line(tmp_path, "three")):
        with pytest.raises(Unreadable):
            act()


def _call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments])
    return done.exit_code, done.output


def test_the_commands_together(tmp_path: Path, run: Run, receiver: Receiver) -> None:
    db, kept = f"sqlite:///{tmp_path}/a.db", tmp_path / "anchors.jsonl"
    with AuditStore.create(db) as store:
        run(store=store)
        assert _call("keygen", "k") == (
            0,
            "k: keep it secret, away from the database\nk.pub: for whoever verifies; "
            f"fingerprint {VerifyingKey.read(Path('k.pub')).fingerprint}\n",
        )
        anchor = ("anchor", "--db", db, "--key", "k", "--to", str(kept), "--post", receiver.url)
        assert _call(*anchor) == (0, "")
        run(store=store)
        assert _call(*anchor) == (0, "")
        [first] = heads(store)[:1]
    assert receiver.got == kept.read_text().splitlines()
    verify = ("verify", "--db", db, "--anchors", str(kept), "--public-key", "k.pub")
    assert _call(*verify) == (0, f"as recorded and as 2 anchor(s) say in {db}: 2 outcome(s)\n")
    _cut_the_last(db)
    assert _call("verify", "--db", db)[0] == 0  # which is why there are anchors
    code, told = _call(*verify)
    assert code == 3
    assert f"is anchored at {first.length}" in told
    kept.write_text(kept.read_text().replace('"length": 2', '"length": 1'))
    code, told = _call(*verify)
    assert code == 3
    assert "anchors: line 2 is forged" in told


def _cut_the_last(db: str) -> None:
    with AuditStore.open(db) as store, store.transaction() as connection:
        for name in ("outcomes", "texts", "attempts", "findings", "examiners", "chains"):
            for event in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER {name}_no_{event}")
        for name in ("texts", "findings", "examiners", "attempts"):
            connection.exec_driver_sql(f"DELETE FROM {name} WHERE outcome = 2")  # noqa: S608
        connection.exec_driver_sql("DELETE FROM outcomes WHERE number = 2")
        connection.exec_driver_sql(
            "UPDATE chains SET length = 1, head = (SELECT hash FROM outcomes)"
        )


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("", (), "holds no anchor"),
        ('{"signature": "x"}\n', (), "these anchors are signed"),
        (None, ("--public-key", "k.pub"), "it is for anchors"),
    ],
)
def test_commands_that_would_verify_nothing(
    tmp_path: Path, content: str | None, options: tuple[str, ...], told: str
) -> None:
    db = f"sqlite:///{tmp_path}/a.db"
    AuditStore.create(db).close()
    keygen(Path("k"))
    if content is not None:
        Path("a.jsonl").write_text(content)
        options = (*options, "--anchors", "a.jsonl")
    code, output = _call("verify", "--db", db, *options)
    assert code == 2
    assert told in output


def test_an_unsafe_url_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/a.db"
    AuditStore.create(db).close()
    kept = tmp_path / "a.jsonl"
    code, told = _call("anchor", "--db", db, "--to", str(kept), "--post", "http://example.org/")
    assert code == 1
    assert "anchors are sent by https" in told
    assert not kept.exists()
    assert os.listdir(tmp_path)


def test_signing_names_the_extra_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustlayer.audit.keyfiles.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="cryptography") as caught:
        keygen(tmp_path / "k")
    assert caught.value.__notes__ == ["pip install 'trustlayer[crypto]'"]
