"""What the desk refuses: strangers, forged forms, foreign names, floods, and bad input."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from trustlayer import Evidence, Exchange, Finding, Span, Verifier, detector
from trustlayer.audit import AuditStore, review
from trustlayer.errors import BadLine
from trustlayer.web import Desk, Reviewer, Reviewers, application
from trustlayer.web.rates import Rates
from trustlayer.web.reviewers import new_token, read, write
from trustlayer.web.sessions import Sessions
from trustlayer.web.signing import own_path

ALICE = "token-of-alice-0123456789"
BEARER = {"Authorization": f"Bearer {ALICE}"}
PAGES = ("/", "/outcomes", "/outcomes/x", "/outcomes/x/answers/0.txt", "/queue", "/reports")
REST = ("/api/outcomes", "/api/outcomes/x", "/api/reports", "/api/reports/totals", "/api/queue")

Make = Callable[..., Desk]


def client_of(desk: Desk) -> TestClient:
    return TestClient(application(desk), base_url="http://127.0.0.1:8765", follow_redirects=False)


def signed_in(client: TestClient, token: str = ALICE) -> str:
    """Sign in; the CSRF token of the session."""
    form = {"csrf": csrf_of(client.get("/login").text), "token": token, "next": "/"}
    assert client.post("/login", data=form).status_code == 303
    return csrf_of(client.get("/").text)


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


@pytest.fixture
def client(make_desk: Make) -> TestClient:
    return client_of(make_desk())


def test_strangers_see_nothing(client: TestClient) -> None:
    for path in PAGES:
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login?next=%2F")
    for path in REST:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eA=="}):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert client.post("/api/verify", json={"answer": "x"}).status_code == 401
    assert client.post("/queue/x", data={"decision": "approve"}).status_code == 303


def test_every_answer_is_armoured(client: TestClient) -> None:
    for path in ("/login", "/nowhere", "/static/desk.css", "/api/outcomes", "/openapi.json"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_pages_carry_no_script_or_style_of_their_own(client: TestClient) -> None:
    signed_in(client)
    for path in ("/login", "/", "/outcomes", "/queue", "/reports", "/nowhere"):
        text = client.get(path).text
        assert re.findall(r"<script(?! src=\"/static/)|<style|\son\w+=|\sstyle=", text) == []
        assert re.findall(r"(?:src|href|action)=\"(?!/|#)", text) == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[::2]"])
def test_a_foreign_name_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/login", headers={"Host": host})
    assert answer.status_code == 421
    assert "--allow-host" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:8765", "[::1]:80"])
def test_its_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/login", headers={"Host": host}).status_code == 200


def test_a_login_form_is_tied_to_its_browser(make_desk: Make) -> None:
    desk = make_desk()
    mine, other = client_of(desk), client_of(desk)
    form = {"csrf": csrf_of(mine.get("/login").text), "token": ALICE, "next": "/"}
    other.get("/login")
    assert other.post("/login", data=form).status_code == 403
    assert mine.post("/login", data={**form, "csrf": ""}).status_code == 403
    assert mine.post("/login", data=form).status_code == 303


def test_a_session_ends(make_desk: Make) -> None:
    client = client_of(make_desk())
    csrf = signed_in(client)
    cookie = client.cookies["trustlayer"]
    assert client.post("/logout", data={"csrf": csrf}).status_code == 303
    client.cookies.set("trustlayer", cookie)
    assert client.get("/").status_code == 303
    short = client_of(make_desk(lifetime=1e-9))
    form = {"csrf": csrf_of(short.get("/login").text), "token": ALICE, "next": "/"}
    short.post("/login", data=form)
    assert short.get("/").status_code == 303


def test_one_who_is_removed_is_out(store: AuditStore, tmp_path: Path) -> None:
    file, token = tmp_path / "reviewers.txt", new_token()
    write(file, [Reviewer.with_token("ann", token), Reviewer.with_token("ben", new_token())])
    assert file.stat().st_mode & 0o777 == 0o600
    assert token not in file.read_text()
    client = client_of(Desk(store, Reviewers(file=file)))
    signed_in(client, token)
    write(file, read(file)[1:])
    assert client.get("/").status_code == 303
    assert client.get("/api/queue", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("line", ["alice", "alice sha256:00", "a b c", "alice secret-token"])
def test_a_bad_file_of_reviewers_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    file = tmp_path / "reviewers.txt"
    file.write_text(f"# people\n\n{line}\n")
    with pytest.raises(BadLine) as told:
        read(file)
    assert str(told.value).startswith("line 3: ")
    assert "secret-token" not in str(told.value)


def test_a_name_or_token_that_will_not_do() -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        Reviewer.with_token("a b", new_token())
    with pytest.raises(ValueError, match="16 characters or more, got 5"):
        Reviewer.with_token("ann", "12345")
    assert "digest" not in repr(Reviewer.with_token("ann", ALICE))


def test_guesses_are_few(make_desk: Make) -> None:
    client = client_of(make_desk(guesses=3))
    for _ in range(3):
        assert client.get("/api/queue", headers={"Authorization": "Bearer x"}).status_code == 401
    answer = client.get("/api/queue", headers=BEARER)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_a_flood_is_told_when_to_come_again(make_desk: Make) -> None:
    client = client_of(make_desk(rate=0.001, burst=2))
    assert [client.get("/api/queue", headers=BEARER).status_code for _ in "ab"] == [200, 200]
    answer = client.get("/api/queue", headers=BEARER)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 100
    assert "2 at once" in answer.json()["detail"]
    assert "Too Many Requests" in client.get("/login").text


def test_a_long_request_is_refused(make_desk: Make) -> None:
    client = client_of(make_desk(body=1000))
    long = client.post("/api/verify", headers=BEARER, json={"answer": "x" * 1000})
    assert long.status_code == 413
    assert "1000 bytes" in long.json()["detail"]
    parts = iter([b"x" * 600, b"x" * 600])  # without a Content-Length
    assert client.post("/api/verify", headers=BEARER, content=parts).status_code == 413


def test_what_takes_too_long_is_given_up(make_desk: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = make_desk(patience=0.05)
    answer = client_of(desk)
    slow = desk.store.outcome

    def outcome(id: str) -> Any:
        import time

        time.sleep(0.5)
        return slow(id)

    monkeypatch.setattr(desk.store, "outcome", outcome)
    told = answer.get("/api/outcomes/x", headers=BEARER)
    assert told.status_code == 503
    assert int(told.headers["retry-after"]) >= 1


def test_a_store_that_is_away(make_desk: Make) -> None:
    desk = make_desk()
    client = client_of(desk)
    signed_in(client)
    desk.store.close()
    told = client.get("/api/outcomes", headers=BEARER)
    assert told.status_code == 503
    assert "is closed" in told.json()["detail"]
    assert "retry-after" in told.headers
    assert client.get("/outcomes").status_code == 503


def test_a_path_to_elsewhere_is_not_followed() -> None:
    assert own_path("/queue?x=1") == "/queue?x=1"
    for wanted in ("https://evil.example", "//evil.example", "/\\evil.example", "", "/a\r\nX: y"):
        assert own_path(wanted) == "/"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"decision": "maybe"}, "maybe"),
        ({"decision": "edit", "answer": "  "}, "an edit needs the corrected answer"),
        ({"decision": "reject", "span": "1"}, "START-END"),
        ({"decision": "reject", "span": "9-1"}, "0 &lt;= start &lt;= end"),
        ({"decision": "approve", "span": "1-2"}, "no bad spans"),
    ],
)
def test_a_form_that_says_nonsense(
    client: TestClient, store: AuditStore, form: dict[str, str], expected: str
) -> None:
    csrf = signed_in(client)
    answer = client.post("/queue/x", data={"csrf": csrf, **form})
    assert answer.status_code == 422
    assert expected in answer.text


def test_what_was_not_held_is_not_decided(client: TestClient) -> None:
    csrf = signed_in(client)
    given = {"answer": "It is 324 m tall.", "context": ["The tower is 324 m tall."]}
    accepted = client.post("/api/verify", headers=BEARER, json=given).json()
    assert accepted["action"] == "accept"
    where = f"/queue/{accepted['id']}"
    assert client.get(where).status_code == 409
    answer = client.post(where, data={"csrf": csrf, "decision": "approve"})
    assert answer.status_code == 409
    assert "was not held" in answer.text
    assert (
        client.post("/queue/nothing", data={"csrf": csrf, "decision": "reject"}).status_code == 404
    )


def test_rates_refill_and_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("trustlayer.web.rates.time.monotonic", lambda: now[0])
    monkeypatch.setattr("trustlayer.web.rates._MOST", 2)
    rates = Rates(rate=2.0, burst=1)
    assert rates.take("a") == 0.0
    assert rates.take("a") == pytest.approx(0.5)
    now[0] = 0.25
    assert rates.wait("a") == pytest.approx(0.25)
    now[0] = 0.5
    assert rates.take("a") == 0.0
    rates.take("b")
    rates.take("c")
    assert rates.take("a") == 0.0  # who was not seen for longest is forgotten


def test_sessions_are_bounded_and_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlayer.web.sessions._MOST", 1)
    sessions = Sessions(100.0)
    ann = Reviewer.with_token("ann", ALICE)
    first, second = sessions.open(ann), sessions.open(ann)
    assert sessions.of(first) is None
    found = sessions.of(second)
    assert found is not None
    assert found.reviewer == ann
    assert found.csrf not in repr(found)
    assert second not in repr(sessions)
    assert sessions.csrf(second) == found.csrf != sessions.csrf(first)


def test_a_second_decision_is_told_of_the_first(client: TestClient, make_desk: Make) -> None:
    given = {"answer": "It is 330 m tall.", "context": ["The tower is 324 m tall."]}
    held = client.post("/api/verify", headers=BEARER, json=given).json()
    assert held["action"] == "hold"
    where = f"/api/queue/{held['id']}/decision"
    assert client.get(where, headers=BEARER).status_code == 404
    assert client.get("/api/queue", headers=BEARER).json()["waiting"][0]["claim"] is None
    first = client.post(where, headers=BEARER, json={"decision": "edit", "answer": "324 m."})
    assert first.status_code == 201
    assert first.json()["answer"] == "324 m."
    second = client.post(where, headers=BEARER, json={"decision": "approve"})
    assert second.status_code == 409
    assert "alice has decided" in second.json()["detail"]
    assert client.get(where, headers=BEARER).json() == first.json()
    assert client.get("/api/queue", headers=BEARER).json() == {"waiting": [], "after": None}
    store = make_desk().store
    assert review.waiting(store) == 0


@detector
def everywhere(exchange: Exchange) -> Finding:
    """Doubts each of the first 400 characters."""
    return Finding(0.9, tuple(Evidence("odd", Span(n, n + 1)) for n in range(400)))


def test_a_very_long_answer_is_shown_in_part(client: TestClient, store: AuditStore) -> None:
    verifier = Verifier([everywhere], store=store)
    long = "It is 330 m tall. " * 15_000
    exchange = Exchange("How tall?", long, ("The tower is 324 m tall. " + "x" * 300_000,))
    [outcome] = verifier.settle_all([exchange])
    csrf = signed_in(client)
    page = client.get(f"/queue/{outcome.id}").text
    assert "the first 200,000 of 270,000 characters" in page
    assert "The rest is not shown here" in page
    assert "100 more, of less risk" in page
    whole = client.get(f"/outcomes/{outcome.id}/answers/0.txt")
    assert whole.text == long
    assert whole.headers["content-disposition"].startswith("attachment")
    assert client.get(f"/outcomes/{outcome.id}/answers/7.txt").status_code == 404
    short = client.get(f"/queue/{outcome.id[:13]}")
    assert short.headers["location"] == f"/queue/{outcome.id}"
    short = client.get(f"/outcomes/{outcome.id[:13]}")
    assert short.headers["location"] == f"/outcomes/{outcome.id}"
    form = {"csrf": csrf, "decision": "reject", "span": ["6-11", "24-29"]}
    assert client.post(f"/queue/{outcome.id}", data=form).status_code == 303
    shown = client.get(f"/outcomes/{outcome.id}").text
    assert "rejected this answer" in shown
