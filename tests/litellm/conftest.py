"""A real proxy of LiteLLM on loopback, in front of a service that errs as it is told to."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import yaml

collect_ignore_glob: list[str] = []
if find_spec("litellm") is None or find_spec("fastapi") is None:  # needs the extra litellm
    collect_ignore_glob = ["test_*.py"]
else:
    with warnings.catch_warnings():  # some are raised when LiteLLM is imported, none by us
        warnings.simplefilter("ignore")
        import_module("litellm.proxy.proxy_server")
        import_module("litellm.proxy.guardrails.guardrail_registry")

Answer = Callable[[dict[str, Any]], Any]


@dataclass
class Service:
    """An OpenAI-compatible service; *answer* gives a text, or the choices, for the body it gets.

    Streams come word by word, *pause* seconds apart; *gone* tells that a reader went away.
    """

    answer: Answer
    asked: list[dict[str, Any]] = field(default_factory=list)
    gone: Event = field(default_factory=Event)
    pause: Callable[[dict[str, Any]], float] = lambda body: 0.0
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append(body)
                try:
                    _write(self, service, body)
                except OSError:
                    service.gone.set()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()


def _write(handler: BaseHTTPRequestHandler, service: Service, body: dict[str, Any]) -> None:
    given = service.answer(body)
    choices = [{"content": given}] if isinstance(given, str) else given
    streamed = bool(body.get("stream"))
    handler.send_response(200)
    kind = "text/event-stream" if streamed else "application/json"
    handler.send_header("Content-Type", kind)
    handler.end_headers()
    if not streamed:
        handler.wfile.write(json.dumps(_completion(body, choices)).encode())
        return
    for chunk in _chunks(body, choices):
        handler.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        handler.wfile.flush()
        time.sleep(service.pause(body))
    handler.wfile.write(b"data: [DONE]\n\n")


USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def _completion(body: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    text = "messages" not in body
    made = [
        {"index": n, "finish_reason": "stop", "text": message["content"]}
        if text
        else {"index": n, "finish_reason": "stop", "message": {"role": "assistant", **message}}
        for n, message in enumerate(choices)
    ]
    kind = "text_completion" if text else "chat.completion"
    base = {"id": "c", "object": kind, "created": 1, "model": body["model"]}
    return {**base, "choices": made, "usage": USAGE}


def _chunks(body: dict[str, Any], choices: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    text = "messages" not in body
    kind = "text_completion" if text else "chat.completion.chunk"
    base = {"id": "c", "object": kind, "created": 1, "model": body["model"]}

    def chunk(index: int, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        told = {"text": delta.get("content") or ""} if text else {"delta": delta}
        return {**base, "choices": [{"index": index, "finish_reason": finish, **told}]}

    for index, message in enumerate(choices):
        others = {key: value for key, value in message.items() if key != "content"}
        yield chunk(index, role="assistant", **others)
        words = (message.get("content") or "").split(" ")
        for n, word in enumerate(words):
            yield chunk(index, content=word if n == 0 else f" {word}")
        yield chunk(index, finish="stop")
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**base, "choices": [], "usage": USAGE}


DETECTORS = """
from trustlayer import Finding, Evidence, detector

@detector
def fragile(exchange):
    if "crash" in exchange.prompt:
        raise RuntimeError("out of order")
    bad = "abomination" in exchange.answer
    return Finding(1.0, (Evidence("bad word"),)) if bad else Finding(0.0)
"""
LOGGER = """
import json, os
from litellm.integrations.custom_logger import CustomLogger

class Logger(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.write("success", kwargs)

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.write("failure", kwargs)

    def write(self, event, kwargs):
        told = kwargs.get("standard_logging_object") or {}
        row = {"event": event, "status": told.get("status"),
               "guardrails": told.get("guardrail_information"),
               "messages": kwargs.get("messages")}
        with open(os.environ["LITELLM_TEST_LOG"], "a") as file:
            file.write(json.dumps(row, default=str) + "\\n")

logger = Logger()
"""
TRUST = """
[detectors.figures]
[detectors.fragile]
[policy]
otherwise = "hold"
[[models]]
name = "large"
model = "large"
url = "{url}"
key_env = "LARGE_KEY"
[store]
url = "sqlite:///audit.db"
"""
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "litellm"


def _configuration(url: str) -> str:
    """The example's configuration, with one model and some settings more."""
    made = yaml.safe_load((EXAMPLES / "config.yaml").read_text())
    target = {"model": "openai/embedder", "api_base": url, "api_key": "none"}
    made["model_list"].append({"model_name": "embedder", "litellm_params": target})
    made["guardrails"][0]["litellm_params"]["prompts"] = ["fragile"]
    made["litellm_settings"]["callbacks"] = ["logger.logger"]
    return str(yaml.safe_dump(made))


@dataclass
class Proxy:
    """The proxy at work: *folder* holds its audit store and its log."""

    url: str
    key: str
    folder: Path
    service: Service

    def logged(self, about: str) -> list[dict[str, Any]]:
        """What LiteLLM's own log tells of the request whose messages hold *about*."""
        log = self.folder / "log.jsonl"
        rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [row for row in rows if about in json.dumps(row["messages"])]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _install(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "fragile_detector.py").write_text(DETECTORS)
    info = folder / "site" / "fragile_detector-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile_detector\nVersion: 1\n")
    entry = "[trustlayer.detectors]\nfragile = fragile_detector:fragile\n"
    (info / "entry_points.txt").write_text(entry)


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    made = Service(lambda body: "It is 324 m tall.")
    made.start()
    yield made
    assert made.server is not None
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def proxy(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    _install(folder)
    (folder / "logger.py").write_text(LOGGER)
    (folder / "config.yaml").write_text(_configuration(service.url))
    (folder / "trustlayer.toml").write_text(TRUST.format(url=service.url))
    port, key = _free_port(), f"sk-{secrets.token_hex(20)}"
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "site"),
        "LARGE_KEY": "large-key",
        "MODEL_URL": service.url,
        "MODEL_KEY": "none",
        "LITELLM_MASTER_KEY": key,
        "LITELLM_TEST_LOG": str(folder / "log.jsonl"),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    command = [sys.executable, "-c", "from litellm import run_server; run_server()"]
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    made = Proxy(f"http://127.0.0.1:{port}", key, folder, service)
    try:
        _wait(made, process)
        yield made
    finally:
        process.terminate()
        process.wait(30)


def _wait(proxy: Proxy, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, (proxy.folder / "proxy.log").read_text()[-3000:]
        try:
            httpx.get(f"{proxy.url}/health/liveliness", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.25)
        else:
            return
    raise AssertionError((proxy.folder / "proxy.log").read_text()[-3000:])
