"""Set before anything is imported: no telemetry, no network, no store but the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ["OTEL_SDK_DISABLED"] = "true"  # guardrails reports its use unless told not to
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "false"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

settings.register_profile(
    "trustlayer",
    deadline=None,
    max_examples=60,
    derandomize="CI" in os.environ,  # what CI says must not depend on chance
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of ours
)
settings.load_profile("trustlayer")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in a folder of its own, so that the default store is its own, too."""
    monkeypatch.delenv("TRUSTLAYER_DB", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def install(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Install a package of detectors for one test, for its subprocesses, too.

    Call it with the *source* of a module and, by detector name, what the module offers.
    """

    def make(source: str, **detectors: str) -> Path:
        folder = tmp_path_factory.mktemp("site")
        module = f"detectors_of_{folder.name}"
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
        info = folder / f"{module}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
        entries = "\n".join(f"{name} = {module}:{what}" for name, what in detectors.items())
        (info / "entry_points.txt").write_text(f"[trustlayer.detectors]\n{entries}\n")
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        return folder

    return make
