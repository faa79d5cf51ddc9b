"""Loads a model once in a process, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from trustlayer.errors import BrokenDetector, MissingExtra

_turn = threading.Lock()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from: a folder, or an id that may be fetched if asked."""

    model: str
    revision: str | None
    local_files_only: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready for inference and its tokenizer; *lock* serialises its use."""

    network: Any
    tokenizer: Any
    config: Any
    device: str
    lock: threading.Lock

    def logits(self, batch: Any) -> Any:
        """The logits of an encoded batch, as float32 on the CPU."""
        import torch

        with self.lock, torch.inference_mode():
            return self.network(**batch.to(self.device)).logits.float().cpu()

    def rows(self, pairs: Sequence[tuple[str, str]], batch_size: int) -> list[Any]:
        """The logits of each pair, from a CrossEncoder."""
        import torch

        with self.lock:
            found = self.network.predict(
                list(pairs),
                batch_size=batch_size,
                activation_fn=torch.nn.Identity(),
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        return [row.reshape(-1) for row in found.float().cpu()]


def load(source: Source, architecture: str, device: str, dtype: str) -> Loaded:
    """Load the model as the transformers class named *architecture*.

    Raises MissingExtra without torch and transformers, BrokenDetector when the model is not
    there or is of another kind.
    """
    with _turn:
        return _load(source, architecture, device, dtype)


@cache
def _load(source: Source, architecture: str, device: str, dtype: str) -> Loaded:
    try:
        import sentence_transformers
        import torch
        import transformers
    except ImportError as error:
        _missing(error)
    chosen = _device(torch) if device == "auto" else device
    kind = dtype if dtype == "auto" else getattr(torch, dtype)
    try:
        if architecture == "CrossEncoder":
            return _cross_encoder(sentence_transformers, source, chosen, kind)
        return _network(getattr(transformers, architecture), transformers, source, chosen, kind)
    except (OSError, ValueError) as error:
        raise _not_loaded(source, architecture, error) from error


def _network(kind: Any, transformers: Any, source: Source, device: str, dtype: Any) -> Loaded:
    options: dict[str, Any] = {
        "revision": source.revision,
        "local_files_only": source.local_files_only,
        "trust_remote_code": False,
    }
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.model, **options)
    network = kind.from_pretrained(source.model, dtype=dtype, **options).eval().to(device)
    return Loaded(network, tokenizer, network.config, device, threading.Lock())


def _cross_encoder(package: Any, source: Source, device: str, dtype: Any) -> Loaded:
    network = package.CrossEncoder(
        source.model,
        device=device,
        revision=source.revision,
        local_files_only=source.local_files_only,
        trust_remote_code=False,
        model_kwargs={"dtype": dtype},
    )
    return Loaded(network, network.tokenizer, network.config, device, threading.Lock())


def _device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _missing(error: ImportError) -> NoReturn:
    missing = MissingExtra(f"a model of your own needs torch and transformers: {error}")
    missing.add_note("pip install 'trustlayer[models]'")
    raise missing from error


def _not_loaded(source: Source, architecture: str, error: Exception) -> BrokenDetector:
    first = str(error).partition("\n")[0]
    broken = BrokenDetector(f"{source.model!r} does not load as {architecture}: {first}")
    if source.local_files_only:
        broken.add_note(
            "only local files were looked at; to fetch the model: "
            f"TransformersDetector(model={source.model!r}, ..., local_files_only=False)"
        )
    return broken
