"""A small shelf of passages and a retriever over it, by the words that they share (BM25)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

SATURATION, LENGTH = 1.2, 0.75  # k1 and b of Robertson & Zaragoza 2009


class Shelf(BaseRetriever):
    """Finds the passages that share the rarest words with a question."""

    documents: tuple[Document, ...]
    count: int = 3

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        texts = [words(document.page_content) for document in self.documents]
        found = relevance(words(query), texts)
        order = sorted(range(len(texts)), key=lambda place: -found[place])
        return [self.documents[place] for place in order[: self.count] if found[place] > 0]


def relevance(query: Sequence[str], texts: Sequence[Sequence[str]]) -> list[float]:
    """How relevant each of *texts* is to the *query*, all given as words; 0 is not at all."""
    counts = [Counter(text) for text in texts]
    mean = sum(map(len, texts)) / max(len(texts), 1)
    found = [0.0] * len(texts)
    for word in set(query):
        holding = sum(word in count for count in counts)
        rarity = math.log1p((len(texts) - holding + 0.5) / (holding + 0.5))
        for place, count in enumerate(counts):
            damped = SATURATION * (1 - LENGTH + LENGTH * len(texts[place]) / mean)
            found[place] += rarity * count[word] * (SATURATION + 1) / (count[word] + damped)
    return found


def words(text: str) -> list[str]:
    """The words of *text* in lower case, plurals cut down to their singular."""
    return [re.sub(r"(?<=\w\w\w)s$", "", word) for word in re.findall(r"\w+", text.lower())]
