"""REST: what it tells, and that nothing that can be sent makes it fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.testclient import TestClient

from trustlayer.audit import AuditStore
from trustlayer.web import Desk, application

BEARER = {"Authorization": "Bearer token-of-alice-0123456789"}
GIVEN = {
    "prompt": "How tall?",
    "answer": "It is 330 m tall.",
    "context": ["The tower is 324 m tall."],
    "correlation": {"thread_id": "t-1"},
}
JSON = {"Content-Type": "application/json"}
EVERY = list(HealthCheck)

Make = Callable[..., Desk]


@pytest.fixture
def client(make_desk: Make) -> TestClient:
    return TestClient(application(make_desk()), base_url="http://127.0.0.1", headers=BEARER)


def test_nothing_makes_it_fail(make_desk: Make) -> None:
    """By what OpenAPI says may be sent, and by what it says may not; more: benchmarks/rest.py."""
    app = application(make_desk())
    TestClient(app, base_url="http://127.0.0.1", headers=BEARER).post("/api/verify", json=GIVEN)
    headers = {**BEARER, "Host": "127.0.0.1"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)
    operations = [cast(Any, found).ok() for found in schema.get_all_operations()]
    assert len(operations) >= 10
    for operation in operations:
        for mode in GenerationMode:
            _expect_no_failure(operation.as_strategy(generation_mode=mode), headers)


def _expect_no_failure(cases: Any, headers: dict[str, str]) -> None:
    @given(case=cases)
    @settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=EVERY)
    def send(case: Any) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=[not_a_server_error, response_schema_conformance])

    with suppress(Unsatisfiable):  # where nothing can be sent that is not as described
        send()


def test_an_answer_is_examined_and_found_again(client: TestClient, store: AuditStore) -> None:
    told = client.post("/api/verify", json=GIVEN)
    assert told.status_code == 200
    outcome = told.json()
    assert (outcome["action"], outcome["answer"]) == ("hold", None)
    [evidence] = outcome["attempts"][0]["verdict"]["findings"]["figures"]["evidence"]
    assert (evidence["start"], evidence["end"]) == (6, 11)
    assert store.outcome(outcome["id"]).correlation == {"thread_id": "t-1"}
    assert client.get(f"/api/outcomes/{outcome['id']}").json() == outcome
    [line] = client.get("/api/outcomes", params={"text": "330", "action": "hold"}).json()[
        "outcomes"
    ]
    assert line["id"] == outcome["id"]
    for fields in ({"text": "331"}, {"risk_to": "0.1"}, {"model": "gpt"}, {"until": "2020-01-01"}):
        assert client.get("/api/outcomes", params=fields).json()["outcomes"] == []
    found = client.get("/api/outcomes", params={"detector": "figures", "risk_from": "0.5"})
    assert len(found.json()["outcomes"]) == 1


def test_pages_follow_each_other(client: TestClient) -> None:
    made = [client.post("/api/verify", json=GIVEN).json()["id"] for _ in range(5)]
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/api/outcomes", params={"limit": 2, "after": after}).json()
        found += [line["id"] for line in page["outcomes"]]
        after = page["after"]
    assert found == made[::-1]
    queue = client.get("/api/queue", params={"limit": 3}).json()
    rest = client.get("/api/queue", params={"limit": 3, "after": queue["after"]}).json()
    waiting = [held["outcome"]["id"] for held in (*queue["waiting"], *rest["waiting"])]
    assert waiting == made
    assert rest["after"] is None


def test_labels(client: TestClient) -> None:
    id = client.post("/api/verify", json=GIVEN).json()["id"]
    where = f"/api/outcomes/{id}/labels"
    said = client.post(where, json={"attempt": 0, "bad": True, "spans": [[6, 11]]})
    assert said.status_code == 201
    assert client.get(where).json() == [said.json()]
    assert said.json()["who"] == "alice"
    assert client.post(where, json={"attempt": 9, "bad": True}).status_code == 404
    assert (
        client.post(where, json={"attempt": 0, "bad": False, "spans": [[1, 2]]}).status_code == 422
    )


def test_every_report_is_told(client: TestClient) -> None:
    client.post("/api/verify", json=GIVEN)
    names = client.get("/api/reports").json()["reports"]
    assert {"totals", "by_action", "by_detector", "bad_rates", "drift"} <= set(names)
    for name in names:
        told = client.get(f"/api/reports/{name}", params={"since": "7d"})
        assert told.status_code == 200, name
    totals = client.get("/api/reports/totals").json()["rows"]
    assert [row["outcomes"] for row in totals] == [1]
    late = {"since": "2026-01-02", "until": "2026-01-01"}
    assert client.get("/api/reports/totals", params=late).status_code == 422


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/outcomes?since=soon", "since: expected a time ago"),
        ("/api/outcomes?action=perhaps", "action: expected one of accept"),
        ("/api/outcomes?risk_from=nan", "risk_from: expected a risk from 0 to 1"),
        ("/api/outcomes?after=x", "after: expected the cursor"),
        ("/api/outcomes?limit=0", "query.limit: "),
        ("/api/queue?after=-1", "after: expected the cursor"),
    ],
)
def test_bad_questions_are_told_what_was_expected(
    client: TestClient, path: str, expected: str
) -> None:
    told = client.get(path)
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    assert expected in told.json()["detail"]
    assert told.json()["status"] == 422


def test_bad_bodies_are_told_what_was_expected(client: TestClient) -> None:
    for body, at in (
        ({"prompt": "x"}, "body.answer"),
        ({"answer": ""}, "body.answer"),
        ({"answer": "x", "context": "y"}, "body.context"),
        ({"answer": "x", "colour": "red"}, "body.colour"),
        ({"answer": float("nan")}, "body.answer"),
    ):
        told = client.post("/api/verify", content=json.dumps(body), headers=JSON)
        assert told.status_code == 422
        assert at in {error["at"] for error in told.json()["errors"]}
    assert client.post("/api/verify", content=b"\xff{", headers=JSON).status_code == 400
    assert client.get("/api/verify").status_code == 405
    assert client.get("/api/nowhere").json()["detail"] == "there is nothing at /api/nowhere"


def test_odd_texts_survive(client: TestClient) -> None:
    odd = {**GIVEN, "prompt": "NUL \x00, \u202e, \U0001f642", "context": ["\x00"]}
    told = client.post("/api/verify", json=odd).json()
    assert told["prompt"] == odd["prompt"]
    assert client.get(f"/api/outcomes/{told['id']}").json()["context"] == ["\x00"]
    lone = client.post("/api/verify", content=b'{"answer": "\\ud800"}', headers=JSON)
    assert lone.status_code == 422


def test_too_much_at_once_is_told_to_come_again(make_desk: Make) -> None:
    desk = make_desk(abreast=1)
    client = TestClient(application(desk), base_url="http://127.0.0.1", headers=BEARER)
    assert desk.examiner._places.acquire(blocking=False)
    told = client.post("/api/verify", json=GIVEN)
    assert told.status_code == 503
    assert told.headers["retry-after"] == "2"
    desk.examiner._places.release()
    assert client.post("/api/verify", json=GIVEN).status_code == 200
