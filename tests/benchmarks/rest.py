"""What the REST API answers to thousands of requests that its own OpenAPI describes, or forbids.

Starts `trustlayer serve` on a new store, puts some outcomes into it, and runs schemathesis
against it: every answer of 500 and above is a failure, as is one that OpenAPI does not describe.

    python tests/benchmarks/rest.py --examples 300
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

TOKEN = "token-for-the-benchmark-0123456789"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
GIVEN = {"answer": "It is 330 m tall.", "context": ["The tower is 324 m tall."]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    examples = str(parser.parse_args().examples)
    with tempfile.TemporaryDirectory() as folder:
        command = [*_module("trustlayer"), "serve", "--port", "0", "--rate", "100000"]
        command += ["--detector", "figures", "--db", f"sqlite:///{folder}/desk.db"]
        environment = {**os.environ, "TRUSTLAYER_TOKEN": TOKEN}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
        ) as desk:
            try:
                assert desk.stdout is not None
                found = re.search(r"http://\S+/", desk.stdout.readline())
                assert found is not None
                return _attack(found[0], examples, folder)
            finally:
                desk.terminate()


def _attack(url: str, examples: str, folder: str) -> int:
    for _ in range(20):
        _post(f"{url}api/verify")
    schemathesis = str(Path(sys.executable).with_name("schemathesis"))
    command = [
        schemathesis,
        "run",
        f"{url}openapi.json",
        "--header",
        f"Authorization: Bearer {TOKEN}",
    ]
    command += ["--max-examples", examples, "--checks", CHECKS, "--workers", "2", "--no-color"]
    return subprocess.run(command, cwd=folder, check=False).returncode


def _post(url: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(GIVEN).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        answer.read()


def _module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


if __name__ == "__main__":
    raise SystemExit(main())
