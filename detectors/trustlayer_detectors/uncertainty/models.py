"""The models that the estimators work with: the bundled ones, or two of the user's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from trustlayer.errors import MissingExtra
from trustlayer_detectors.uncertainty.likeness import Embedding, Entailment


def bundled_entailment(pairs: Sequence[tuple[str, str]], /) -> npt.NDArray[np.floating]:
    """P(entailed, neutral, contradicted) by the bundled int8 cross-encoder."""
    from trustlayer_detectors._models.entailment import entailment

    return entailment(pairs)


def bundled_embedding(texts: Sequence[str], /) -> npt.NDArray[np.floating]:
    """Vectors of texts by the bundled int8 all-MiniLM-L6-v2."""
    from trustlayer_detectors._models.encoder import pooled

    return pooled(texts)


@dataclass(frozen=True, slots=True)
class SentenceEncoder:
    """Vectors of texts by a sentence-transformers model of your choice (extra ``models``).

    *model* is a folder or a name on the hub; nothing is fetched unless *local_files_only* is
    off. Raises MissingExtra without sentence-transformers.
    """

    model: str
    local_files_only: bool = True

    def __call__(self, texts: Sequence[str], /) -> npt.NDArray[np.floating]:
        encoder = _encoder(self.model, self.local_files_only)
        vectors = encoder.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


@lru_cache
def _encoder(model: str, local_files_only: bool) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        missing = MissingExtra(f"an encoder of your own needs sentence-transformers: {error}")
        missing.add_note("pip install 'trustlayer[models]'")
        raise missing from error
    return SentenceTransformer(model, local_files_only=local_files_only, trust_remote_code=False)


@dataclass(frozen=True, slots=True)
class Models:
    """The two models at work."""

    entailment: Entailment = field(default=bundled_entailment)
    embedding: Embedding = field(default=bundled_embedding)
