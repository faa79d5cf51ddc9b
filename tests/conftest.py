"""Set before anything is imported: no telemetry, no network, no store but the test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["OTEL_SDK_DISABLED"] = "true"  # guardrails reports its use unless told not to
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["LANGSMITH_TRACING"] = "false"
os.environ["LANGCHAIN_TRACING_V2"] = "false"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

settings.register_profile("trustlayer", deadline=None, max_examples=60)
settings.load_profile("trustlayer")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test in a folder of its own, so that the default store is its own, too."""
    monkeypatch.delenv("TRUSTLAYER_DB", raising=False)
    monkeypatch.chdir(tmp_path)
