"""``trustlayer serve`` and ``trustlayer reviewer``, run as commands."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from trustlayer.cli import app
from trustlayer.web import reviewers

CONFIG = '[detectors.figures]\n[store]\nurl = "sqlite:///configured.db"\n'


def invoke(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(app, list(words), env=environ)


@contextmanager
def serving(*words: str, **environ: str) -> Iterator[tuple[str, str]]:
    """The address of a desk that runs meanwhile, and all else that it said at first."""
    command = [sys.executable, "-u", "-m", "trustlayer", "serve", "--port", "0", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ}
    ) as desk:
        try:
            assert desk.stdout is not None
            told = desk.stdout.readline()
            found = re.search(r"http://\S+/", told)
            assert found is not None, told
            more = "" if environ or "--reviewers" in words else desk.stdout.readline()
            yield found[0], more
        finally:
            desk.terminate()
            desk.wait(20)


def get(url: str, token: str, body: object = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_it_prints_a_token_and_examines() -> None:
    with serving("--detector", "figures") as (url, told):
        assert url.startswith("http://127.0.0.1:")
        token = told.rsplit(" ", 1)[1].strip()
        assert token.startswith("tl_")
        assert get(f"{url}api/queue", "tl_wrong")[0] == 401
        given = {"answer": "It is 330 m tall.", "context": ["The tower is 324 m tall."]}
        status, outcome = get(f"{url}api/verify", token, given)
        assert (status, outcome["action"]) == (200, "hold")
        assert [d["name"] for d in outcome["detectors"]] == ["figures"]
    assert Path("trustlayer.db").exists()


def test_reviewers_from_a_file() -> None:
    added = [invoke("reviewer", "add", name) for name in ("ann", "ben")]
    tokens = [result.output.rsplit(" ", 1)[1].strip() for result in added]
    assert invoke("reviewer", "list").output.split() == ["ann", "ben"]
    with serving("--reviewers", "reviewers.txt") as (url, _):
        assert [get(f"{url}api/queue", token)[0] for token in tokens] == [200, 200]
        assert invoke("reviewer", "remove", "ben").exit_code == 0
        assert [get(f"{url}api/queue", token)[0] for token in tokens] == [200, 401]
    gone = invoke("reviewer", "remove", "ben")
    assert gone.exit_code == 2
    assert "'ben' is not in reviewers.txt" in re.sub(r"\s*[│\n]\s*", " ", gone.output)
    assert invoke("reviewer", "add", "a b").exit_code == 2


def test_a_token_of_ones_own() -> None:
    with serving("--detector", "figures", TRUSTLAYER_TOKEN="mine-0123456789abcdef") as (url, _):
        assert get(f"{url}api/queue", "mine-0123456789abcdef")[0] == 200


def test_a_configuration_is_followed() -> None:
    Path("trustlayer.toml").write_text(CONFIG)
    with serving(TRUSTLAYER_TOKEN="mine-0123456789abcdef") as (url, _):
        status, outcome = get(f"{url}api/verify", "mine-0123456789abcdef", {"answer": "Tall."})
        assert status == 200
        assert [d["name"] for d in outcome["detectors"]] == ["figures"]
    assert Path("configured.db").exists()


def test_files_that_will_not_do(tmp_path: Path) -> None:
    reviewers.write(tmp_path / "none.txt", [])
    for words, expected in (
        (("--reviewers", "none.txt"), "none.txt names no reviewer"),
        (("--reviewers", "missing.txt"), "missing.txt: No such file"),
        (("--token-file", "missing.txt"), "missing.txt: No such file"),
    ):
        result = invoke("serve", *words)
        assert result.exit_code == 1
        assert expected in result.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--host", "0.0.0.0"), "name what browsers call it"),
        (("--public-url", "http://desk.example"), "expected https://NAME"),
        (("--tls-cert", "x.pem"), "--tls-cert and --tls-key together"),
        (("--reviewers", "a", "--token-file", "b"), "not both"),
        (("--port", "70000"), "70000"),
    ],
)
def test_wrong_usage(words: Sequence[str], expected: str) -> None:
    result = invoke("serve", *words)
    assert result.exit_code == 2
    assert expected in re.sub(r"\s*[│\n]\s*", " ", result.output)


def test_a_short_token_is_refused() -> None:
    result = invoke("serve", TRUSTLAYER_TOKEN="short")
    assert result.exit_code == 2
    assert "16 characters" in re.sub(r"\s*[│\n]\s*", " ", result.output)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = invoke("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "name another port: --port 0" in result.output


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from trustlayer.cli import main; sys.argv = ['trustlayer', 'serve']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'trustlayer[web]'" in done.stderr
