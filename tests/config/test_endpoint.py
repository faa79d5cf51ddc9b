"""Models by URL: what goes over the wire, and what comes back from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from trustlayer import Action, Reply, Request, Verifier, load
from trustlayer.config.endpoint import BadReply, Endpoint

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]


class Service:
    """A real HTTP server that answers as its *answer* says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.answer: Answer = lambda body: (200, {}, b"{}")
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.path, dict(self.headers), body))
                status, headers, data = service.answer(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    Thread(target=made.server.serve_forever, args=[0.01], daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def completion(content: object, **message: object) -> tuple[int, dict[str, str], bytes]:
    choice = {"message": {"role": "assistant", "content": content, **message}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = {"model": "tiny-2", "choices": [choice], "usage": usage}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def events(*chunks: object, end: bool = True) -> tuple[int, dict[str, str], bytes]:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    data = "".join([": ping\n\n", *lines, "data: [DONE]\n\n" if end else ""])
    return 200, {"Content-Type": "text/event-stream"}, data.encode()


def delta(**fields: object) -> dict[str, object]:
    return {"choices": [{"delta": fields}]}


def test_a_question_and_its_answer(service: Service) -> None:
    service.answer = lambda body: completion("It is 324 m.")
    endpoint = Endpoint(service.url, "tiny", "sk-secret", options={"temperature": 0})
    reply = endpoint.ask(Request("How tall?", ("324 m",)))
    assert reply == Reply("It is 324 m.", tokens_in=7, tokens_out=3, model="tiny-2")
    [(path, headers, body)] = service.asked
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer sk-secret")
    asked = "How tall?\n\nPassages:\n\n[1] 324 m"
    assert body["messages"] == [{"role": "user", "content": asked}]
    assert (body["model"], body["temperature"]) == ("tiny", 0)
    assert "sk-secret" not in repr(endpoint)


def test_an_answer_in_pieces(service: Service) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    service.answer = lambda body: events(
        delta(role="assistant"), delta(content="It is "), delta(content="324 m."), usage
    )
    *pieces, last = Endpoint(service.url, "tiny", None).stream(Request("How tall?"))
    assert "".join(map(str, pieces)) == "It is 324 m."
    assert last == Reply("", tokens_in=7, tokens_out=3)
    [(_, headers, body)] = service.asked
    assert "Authorization" not in headers
    assert body["stream"] is True


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {}, b"<html>"), "expected JSON, found b'<html>'"),
        ((200, {}, b"[]"), "expected a JSON object, found list"),
        ((200, {}, b'{"error": 1}'), "expected a chat completion, found the keys error"),
        ((200, {}, b'{"choices": [{}]}'), "expected a chat completion"),
        ((500, {}, b"down"), "500 Internal Server Error"),
    ],
)
def test_what_is_no_answer_is_told(service: Service, answer: Any, told: str) -> None:
    service.answer = lambda body: answer
    endpoint = Endpoint(service.url, "tiny", "sk-secret")
    outcome = Verifier([load("figures")], [lambda r: endpoint.ask(Request(r))]).run("How tall?")
    assert outcome.action is Action.REFUSE
    assert told in outcome.errors[0]
    assert "sk-secret" not in outcome.errors[0]


@pytest.mark.parametrize(
    ("chunks", "end", "told"),
    [
        ([delta(content="It ")], False, "broke off"),
        ([{"error": {"message": "overloaded"}}], True, "told of an error"),
        ([delta(tool_calls=[{"index": 0}])], True, "calls a tool"),
    ],
)
def test_a_stream_that_goes_wrong_is_told(
    service: Service, chunks: list[object], end: bool, told: str
) -> None:
    service.answer = lambda body: events(*chunks, end=end)
    with pytest.raises(BadReply, match=told):
        list(Endpoint(service.url, "tiny", None).stream(Request("How tall?")))


def test_what_no_detector_sees_is_declared(service: Service) -> None:
    service.answer = lambda body: completion(None, tool_calls=[{"id": "1"}])
    [found] = Endpoint(service.url, "tiny", None).ask(Request("?")).unexamined
    assert found.detector == "tool_call"
    service.answer = lambda body: completion(None)
    [found] = Endpoint(service.url, "tiny", None).ask(Request("?")).unexamined
    assert found.detector == "answer"


def test_a_service_that_is_asked_too_often_is_waited_for(service: Service) -> None:
    answers = [(429, {"Retry-After": "0"}, b"{}"), completion("It is 324 m.")]
    service.answer = lambda body: answers.pop(0)
    from trustlayer import Model

    model = Model("tiny", Endpoint(service.url, "tiny", None).ask)
    outcome = Verifier([load("figures")], [model]).run("How tall?", ["It is 324 m tall."])
    assert outcome.answer == "It is 324 m."
    assert len(service.asked) == 2


def test_the_ladder_of_a_file_asks_over_http(service: Service) -> None:
    from pathlib import Path

    from trustlayer import config

    Path("trustlayer.toml").write_text(
        f"""
[detectors.figures]
[[models]]
model = "small"
url = "{service.url}"
key_env = "SMALL_KEY"
price = {{ tokens_in = 1.0, tokens_out = 2.0 }}
[[models]]
model = "large"
url = "{service.url}"
""",
        encoding="utf-8",
    )
    replies = {"small": "It is 330 m tall.", "large": "It is 324 m tall."}
    service.answer = lambda body: completion(replies[body["model"]])
    made = config.load(environ={"SMALL_KEY": "sk-secret"})
    outcome = made.run("How tall?", ["The tower is 324 m tall."])
    assert outcome.answer == "It is 324 m tall."
    assert [a.action for a in outcome.attempts] == ["revise", "escalate", "accept"]
    assert outcome.attempts[0].cost == pytest.approx((7 + 2 * 3) / 1e6)
    assert [h.get("Authorization") for _, h, _ in service.asked][::2] == ["Bearer sk-secret", None]
    streamed = "".join(made.stream("How tall?", ["The tower is 324 m tall."]))
    assert streamed == ""  # these are no event streams: nothing passes
