"""Workers use one core each, and need little more memory for many texts than for one."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trustlayer.bulk.sparing import spare

PROGRAM = """
import json
from trustlayer.bulk.sparing import spare
spare()
from trustlayer_detectors._models.encoder import pooled

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def most():
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

pooled(["A word."])
small = resident()
pooled([f"{n} " + "a long text of many words " * 20 for n in range(40)])
print(json.dumps([small, most()]))
"""


def test_what_the_environment_says_of_threads_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str | None) -> ctypes.CDLL:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", none)
    monkeypatch.delenv("TRUSTLAYER_THREADS", raising=False)
    spare()
    assert os.environ["TRUSTLAYER_THREADS"] == "1"
    monkeypatch.setenv("TRUSTLAYER_THREADS", "3")
    spare()
    assert os.environ["TRUSTLAYER_THREADS"] == "3"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_a_large_batch_takes_little_more_memory_than_one_text() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    small, most = json.loads(done.stdout)
    assert most < small + (32 << 20)  # alone they take 14 MiB, read together 46
