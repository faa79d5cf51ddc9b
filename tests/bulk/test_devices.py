"""Where the bundled models run, and that a GPU finds what the processor finds."""

from __future__ import annotations

import os
import subprocess
import sys
from glob import glob
from pathlib import Path

import onnxruntime
import pytest
from typer.testing import CliRunner

from tests.bulk.conftest import read, write
from trustlayer.cli import app
from trustlayer.errors import MissingExtra
from trustlayer_detectors._models.devices import providers
from trustlayer_detectors._models.sessions import session

CUDA = "CUDAExecutionProvider"
HAS_PROVIDER = CUDA in onnxruntime.get_available_providers()
LACKING = [
    *([] if HAS_PROVIDER else ["onnxruntime-gpu"]),
    *([] if glob("/dev/nvidia[0-9]*") else ["a GPU of NVIDIA's"]),
]
on_gpu = pytest.mark.skipif(bool(LACKING), reason=f"needs {' and '.join(LACKING)}")


def test_the_processor_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUSTLAYER_DEVICE", raising=False)
    assert providers() == ["CPUExecutionProvider"]
    monkeypatch.setenv("TRUSTLAYER_DEVICE", "abacus")
    with pytest.raises(ValueError, match="'abacus'; expected cpu or cuda"):
        providers()


@pytest.mark.skipif(HAS_PROVIDER, reason="ONNX Runtime has a CUDA provider here")
def test_a_gpu_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTLAYER_DEVICE", "cuda")
    with pytest.raises(MissingExtra, match="no CUDAExecutionProvider"):
        providers()
    given = write(tmp_path / "in.jsonl", ["yes"])
    done = CliRunner().invoke(app, ["examine", str(given), "--device", "cuda"])
    assert done.exit_code == 1
    assert "pip install onnxruntime-gpu" in done.stderr


def test_a_provider_that_does_not_load_is_no_processor_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Fallen:
        """As ONNX Runtime falls back, with a warning, where cuDNN is missing."""

        def __init__(self, path: str, options: object, providers: list[str]) -> None:
            assert providers == [CUDA, "CPUExecutionProvider"]

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setenv("TRUSTLAYER_DEVICE", "cuda")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Fallen)
    with pytest.raises(MissingExtra, match=f"could not use {CUDA}"):
        session(Path("a model that nobody has loaded"))


@on_gpu
def test_the_models_run_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from trustlayer_detectors._models.sessions import session, weights\n"
        "for name in ('encoder', 'entailment', 'safety'):\n"
        "    print(session(weights(name) / 'model.onnx').get_providers()[0])"
    )
    monkeypatch.setenv("TRUSTLAYER_DEVICE", "cuda")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == [CUDA] * 3


@on_gpu
def test_a_gpu_finds_what_the_processor_finds(tmp_path: Path) -> None:
    answers = [{"answer": f"It is {n} m tall.", "context": "It is 7 m tall."} for n in range(9)]
    given = write(tmp_path / "in.jsonl", answers)
    risks = []
    for device in ("cpu", "cuda"):
        output = tmp_path / f"{device}.jsonl"
        command = [sys.executable, "-m", "trustlayer", "examine", str(given), "-o", str(output)]
        options = ["--device", device, "-d", "grounding", "-d", "toxicity", "-d", "harm"]
        subprocess.run([*command, *options], check=True, env=os.environ)
        rows = read(output)
        risks.append([f["risk"] for row in rows for f in row["findings"].values()])
    assert risks[0] == pytest.approx(risks[1], abs=0.05)  # kernels round in other ways
