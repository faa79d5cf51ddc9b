"""Texts as the store is told to keep them: in full, redacted, as HMAC; in the open or encrypted."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.draws import Draw, record_draws
from trustlayer.audit.erasing import Erased, erase, retain
from trustlayer.audit.holds import hold_subject
from trustlayer.audit.keyfiles import keygen_encryption
from trustlayer.audit.labels import Label, labelled, labels, record_label
from trustlayer.audit.outcome_reports import lines
from trustlayer.audit.rekeying import rekey
from trustlayer.audit.review import Choice, Ruling, claim, decide, decision
from trustlayer.audit.sealing import Keys
from trustlayer.audit.searching import Search, search
from trustlayer.audit.texts import Form, Texts
from trustlayer.audit.verification import verify
from trustlayer.cli import app
from trustlayer.errors import BrokenSeal, MissingExtra, MissingKey, NotHeld, StoreError
from trustlayer.exchange import Exchange, Span, Token
from trustlayer.finding import Evidence, Finding, Unexamined
from trustlayer.model import Request

pytest.importorskip("cryptography", reason="the extra crypto is not installed")

Run = Callable[..., Outcome]

MAIL = "rosalind@example.org"
REDACTED = Texts(Form.REDACTED)
HMAC = Texts(Form.HMAC, None, b"k" * 32)


def _everywhere(run: Run, **ids: str) -> Outcome:
    """An outcome with an address of e-mail in every text that it has."""
    made = run(f"No! Ask {MAIL}", f"{MAIL}?", prompt=f"Who is {MAIL}?", user=MAIL, **ids)
    return replace(
        made,
        attempts=tuple(
            replace(
                attempt,
                request=Request(MAIL, (MAIL,), MAIL, f"Not {MAIL}", MAIL),
                error=f"failed on {MAIL}",
                verdict=attempt.verdict
                and replace(
                    attempt.verdict,
                    exchange=Exchange(
                        f"Who is {MAIL}?",
                        f"No! Ask {MAIL}",
                        (MAIL,),
                        (f"Or {MAIL}",),
                        None,
                        (Token("rosalind@", -0.5, (-0.5, -2.0)), Token("example.org", -0.25)),
                        ((-1.0, -2.0),),
                    ),
                    findings={
                        "_shouting": Finding(
                            0.9,
                            (
                                Evidence(f"names {MAIL}", Span(8, 8 + len(MAIL))),
                                Evidence("ends", Span(12, 8 + len(MAIL))),
                                Evidence("begins", Span(0, 3)),
                            ),
                        )
                    },
                    unexamined=(Unexamined("_picky", f"raised on {MAIL}"),),
                ),
            )
            for attempt in made.attempts
        ),
        interrupted=f"by {MAIL}",
    )


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("texts", [REDACTED, HMAC], ids=lambda texts: texts.form)
def test_what_is_taken_out_is_nowhere(tmp_path: Path, run: Run, texts: Texts) -> None:
    made = _everywhere(run, template="plain")
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db", texts=texts) as store:
        store.record(made)
        store.record(made)  # the same once more changes nothing
        record_label(store, Label(made.id, 0, True, "ann", f"not {MAIL}"))
        assert list(verify(store)) == []
        kept = store.outcome(made.id)
        assert [found.id for found in store.correlated("user", MAIL)] == [made.id]
        assert kept.correlation["template"] == "plain"
        assert b"rosalind" not in _bytes(tmp_path)
        assert b"example.org" not in _bytes(tmp_path)
        assert retain(store, datetime.now(UTC)) == Erased(1)
        assert list(verify(store)) == []
        assert store.outcome(made.id).attempts[0].verdict is not None
    assert kept.action == made.action


def test_redacted_texts_are_still_texts(tmp_path: Path, run: Run) -> None:
    made = _everywhere(run)
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db", texts=REDACTED) as store:
        store.record(made)
        kept = store.outcome(made.id)
    assert kept.prompt == "Who is [EMAIL]?"
    assert kept.interrupted == "by [EMAIL]"
    [first, *_] = kept.attempts
    assert (first.error, first.request.advice) == ("failed on [EMAIL]", "Not [EMAIL]")
    assert first.verdict is not None
    said = first.verdict.exchange
    assert (said.answer, said.samples, said.context) == (
        "No! Ask [EMAIL]",
        ("Or [EMAIL]",),
        ("[EMAIL]",),
    )
    assert [token.text for token in said.tokens] == ["", ""]
    assert [token.logprob for token in said.tokens] == [-0.5, -0.25]
    assert [e.span and e.span.of(said.answer) for e in first.verdict.findings["_shouting"].evidence]
    spans = [e.span for e in first.verdict.findings["_shouting"].evidence if e.span]
    assert [span.of(said.answer) for span in spans] == ["[EMAIL]", "[EMAIL]", "No!"]


def test_digests_tell_equal_texts_and_nothing_else(tmp_path: Path, run: Run) -> None:
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db", texts=HMAC) as store:
        one, other = run(prompt="Who?", store=store), run(prompt="Who?", store=store)
        kept = [store.outcome(outcome.id).prompt for outcome in (one, other)]
        held = run("No!", "No!", "No!", "No!", store=store).id
        with pytest.raises(NotHeld, match="kept as digests only"):
            claim(store, held, "ann")
    assert kept[0] == kept[1]
    assert kept[0].startswith("hmac:")
    assert len(kept[0]) == 5 + 64


def test_a_person_is_found_in_whichever_form_her_id_was_kept(store: AuditStore, run: Run) -> None:
    ids = []
    for texts in (Texts(), REDACTED, replace(REDACTED, key=b"k" * 32), HMAC):
        with AuditStore.open(store.url, texts=texts) as other:
            ids.append(run(store=other, user=MAIL).id)
            run(store=other, user="francis@example.org")
    with pytest.raises(MissingKey, match="without the key none is found") as caught:
        erase(store, "user", MAIL)
    assert "TRUSTLAYER_HMAC_KEY" in caught.value.__notes__[0]
    with AuditStore.open(store.url, texts=HMAC) as other:
        hold = hold_subject(other, "user", MAIL, "ann", "case 7")
        found = erase(other, "user", MAIL)
        assert {left.outcome for left in found.left} == set(ids)
        assert found.outcomes == 0
        assert f"hold {hold.id}: case 7" in {left.why for left in found.left}
        assert erase(other, "user", "francis@example.org") == Erased(4)
        assert list(verify(other)) == []


def test_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    key = base64.b64encode(b"k" * 32).decode()
    monkeypatch.setenv("TRUSTLAYER_TEXTS", "hmac")
    with pytest.raises(StoreError, match="need a key of 16 bytes") as caught:
        AuditStore.create(url)
    assert "TRUSTLAYER_HMAC_KEY" in caught.value.__notes__[0]
    monkeypatch.setenv("TRUSTLAYER_HMAC_KEY", key)
    with AuditStore.create(url) as store:
        assert store.texts == HMAC
        assert key not in repr(store.texts)
    monkeypatch.setenv("TRUSTLAYER_HMAC_KEY", "geheim!")
    with pytest.raises(StoreError, match="must be a key in base64"):
        AuditStore.open(url)
    monkeypatch.setenv("TRUSTLAYER_TEXTS", "none")
    with pytest.raises(StoreError, match="must be full or redacted or hmac, got 'none'"):
        AuditStore.open(url)


@given(
    st.lists(st.sampled_from([MAIL, "a", " ", "4111111111111111", "é"]), max_size=8),
    st.integers(0, 80),
    st.integers(0, 80),
)
def test_spans_follow_their_stretches(parts: list[str], start: int, length: int) -> None:
    from trustlayer.audit.texts import _moved

    text = " ".join(parts)
    kept, found = REDACTED.found(text)
    span = Span(min(start, len(text)), min(start + length, len(text)))
    moved = _moved(span, found)
    assert moved.end <= len(kept)
    touched = any(f.span.start < span.end and span.start < f.span.end for f in found)
    if not touched and not any(f.span.start < span.start < f.span.end for f in found):
        assert moved.of(kept) == span.of(text)


# Encryption

KEYS = Keys((b"1" * 32,))


def _told(run: Run, store: AuditStore) -> str:
    made = run("No!", "No!", "No!", "No!", prompt="Is it Ignaz?", user="ignaz", store=store)
    record_label(store, Label(made.id, 0, True, "ann", "not Ignaz"))
    record_draws(store, [Draw(made.id, 0.5, "uniform")])
    decide(store, made.id, "ann", Ruling(Choice.EDIT, "Ignaz it is", "says Ignaz"))
    return made.id


def test_encrypted_texts_are_read_with_the_key_alone(store: AuditStore, run: Run) -> None:
    with AuditStore.open(store.url, keys=KEYS) as sealed:
        id = _told(run, sealed)
        outcome = sealed.outcome(id)
        assert outcome.prompt == "Is it Ignaz?"
        assert [label.reason for label in labels(sealed, id)] == ["not Ignaz", "says Ignaz"]
        assert len(list(labelled(sealed))) == 1
        made = decision(sealed, id)
        assert made is not None
        assert made.answer == "Ignaz it is"
        sealed.record(outcome)  # the same once more
        assert list(verify(sealed)) == []
        assert [line.prompt for line in lines(sealed, width=5)] == ["Is it"]
        assert [line.prompt for line in search(sealed, Search()).lines] == ["Is it Ignaz?"]
    for keys in (Keys(), Keys((b"2" * 32,))):
        with AuditStore.open(store.url, keys=keys) as other:
            assert [line.prompt for line in lines(other)] == ["[encrypted]"]
            assert [line.prompt for line in search(other, Search()).lines] == ["[encrypted]"]
            with pytest.raises(MissingKey, match="a text is encrypted under the key") as caught:
                other.outcome(id)
            assert "TRUSTLAYER_KEYS" in caught.value.__notes__[0]
            found = list(verify(other))
            assert all("cannot be examined" in flaw.what for flaw in found)
            assert {flaw.table for flaw in found} == {"texts", "labels", "decisions"}


def test_nothing_is_in_the_open_and_rotation_leaves_no_text_behind(
    tmp_path: Path, run: Run
) -> None:
    url, folder = f"sqlite:///{tmp_path}/db/a.db", tmp_path / "db"
    folder.mkdir()
    with AuditStore.create(url) as store:
        id = _told(run, store)
        plain = store.outcome(id)
    assert b"Ignaz" in _bytes(folder)
    with AuditStore.open(url, keys=KEYS) as store:
        done = {found.table: found.texts for found in rekey(store)}
        assert (done["labels"], done["decisions"]) == (2, 1)
        assert done["texts"] > 3
        assert {found.texts for found in rekey(store)} == {0}
        assert b"Ignaz" not in _bytes(folder)
        assert store.outcome(id) == plain
        assert list(verify(store)) == []
    both = Keys((b"2" * 32, b"1" * 32))
    with AuditStore.open(url, keys=both) as store:
        run(prompt="Ignaz again?", store=store)
        assert {found.table: found.texts for found in rekey(store)} == done
    with AuditStore.open(url, keys=Keys((b"2" * 32,))) as store:
        assert store.outcome(id) == plain
        assert list(verify(store)) == []
        assert retain(store, datetime.now(UTC)) == Erased(2)
        assert store.outcome(id).prompt == "[erased]"
        assert list(verify(store)) == []
    assert b"Ignaz" not in _bytes(folder)


def test_without_a_key_nothing_can_be_encrypted(store: AuditStore) -> None:
    with pytest.raises(MissingKey, match="no key to encrypt with") as caught:
        list(rekey(store))
    assert "trustlayer audit keygen --encryption" in caught.value.__notes__[0]


@given(st.text(st.characters(), max_size=50), st.binary(min_size=16, max_size=16))
def test_a_seal_opens_to_what_was_sealed(text: str, salt: bytes) -> None:
    sealed = KEYS.seal(text, salt, b"digest")
    assert KEYS.open(sealed, b"digest") == (salt, text)
    assert KEYS.seal(text, salt, b"digest") != sealed
    with pytest.raises(BrokenSeal):
        KEYS.open(sealed, b"another")
    with pytest.raises(BrokenSeal):
        KEYS.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), b"digest")
    with pytest.raises(BrokenSeal, match="too short"):
        KEYS.open(b"x", b"digest")


def test_keys_from_the_environment_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.key"
    keygen_encryption(path)
    first = Keys.from_environment({"TRUSTLAYER_KEYS_FILE": str(path)})
    assert first == Keys.read(path)
    assert "1" * 32 not in repr(KEYS)
    given = ", ".join(base64.urlsafe_b64encode(key).decode() for key in (b"1" * 32, b"2" * 32))
    assert Keys.from_environment({"TRUSTLAYER_KEYS": given}).keys == (b"1" * 32, b"2" * 32)
    assert not Keys.from_environment({})
    for wrong in ("geheim", "Z2VoZWlt"):
        with pytest.raises(StoreError, match="32 bytes in base64") as caught:
            Keys.parse(wrong)
        assert wrong not in str(caught.value)
    path.write_text("\n")
    with pytest.raises(StoreError, match="holds no key"):
        Keys.read(path)
    with pytest.raises(StoreError, match="cannot be read: FileNotFoundError"):
        Keys.read(tmp_path / "none")
    with pytest.raises(ValueError, match="must have 32 bytes"):
        Keys((b"short",))


def test_the_commands_of_keys_and_holds(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = f"sqlite:///{tmp_path}/a.db"
    with AuditStore.create(db) as store:
        old = replace(run(user="ann"), started=datetime(2020, 1, 1, tzinfo=UTC))
        store.record(old)

    def call(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["audit", *arguments])
        return done.exit_code, done.output

    code, told = call("keygen", "--encryption", "texts.key")
    assert (code, "export TRUSTLAYER_KEYS_FILE=texts.key" in told) == (0, True)
    assert call("rekey", "--db", db)[0] == 1
    monkeypatch.setenv("TRUSTLAYER_KEYS_FILE", "texts.key")
    code, told = call("rekey", "--db", db)
    assert (code, "texts encrypted under the key" in told) == (0, True)
    assert call("verify", "--db", db)[0] == 0
    subject = ("hold", "--subject", "user", "ann", "--reason", "case 7", "--db", db)
    code, told = call(*subject, "--by", "bob")
    assert code == 0
    id = told.split("release ")[1].rstrip("'\n")
    code, told = call("retain", "--older-than", "90d", "--db", db)
    assert f"left: {old.id}, hold {id}: case 7" in told.replace("\n", "")
    assert "case 7 (in force)" in call("holds", "--db", db)[1]
    assert call("release", id, "--db", db, "--by", "bob") == (0, f"released: {id}\n")
    assert "(released" in call("holds", "--db", db)[1]
    assert call("hold", "--reason", "x", "--db", db)[0] == 2
    code, told = call("hold", "--outcome", old.id[:8], "--reason", "y", "--db", db, "--by", "b")
    assert code == 0
    assert "0 outcome(s)" in call("erase", "user", "ann", "--db", db)[1]


def test_encryption_names_the_extra_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    fresh = Keys((b"3" * 32,))
    with pytest.raises(MissingExtra, match="encryption needs a library") as caught:
        fresh.seal("text", b"s" * 16, b"digest")
    assert caught.value.__notes__ == ["pip install 'trustlayer[crypto]'"]
    with pytest.raises(MissingExtra):
        fresh.open(fresh.id + b"n" * 40, b"digest")
