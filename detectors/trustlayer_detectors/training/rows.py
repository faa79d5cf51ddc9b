"""Reads the training rows (see data/README.md for their fields) as claims with evidence."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trustlayer import Span
from trustlayer_detectors import _sentences
from trustlayer_detectors.grounding_evidence import leans
from trustlayer_detectors.training import edits, paraphrase, wording

Row = dict[str, Any]

_TARGETS = {"entailment": 0, "neutral": 1, "contradiction": 2, "contradict": 2}
_NOT_ENTAILED = 3

# How many rows of each set open the training: short pairs, little to win without reading.
SHORT = {
    "vitaminc_real": 40_000, "vitaminc_synthetic": 8_000, "fever_train": 12_000,
    "fool_me_twice": 9_999, "fever_symmetric": 9_999, "fever2_adversarial": 999,
    "nli_mnli": 9_999, "nli_snli": 5_000, "nli_scitail": 2_000, "cad_nli": 3_000,
    "infotabs": 4_000, "tabfact_pairs": 5_000, "hans_regenerated": 1_200, "med": 1_500,
    "conjnli_dev": 999, "breaking_nli": 500, "dnc_megaveridicality": 500,
    "begin1": 3_000, "q2_wow": 999, "faithdial_audit_wow": 999,
    "begin2_wow": 999, "e2e_clean": 1_000,
}  # fmt: skip

# The second part: real answers over long evidence, questions, and a rehearsal of the first.
LONG = {
    "bump": 999, "summedits_news": 999, "summedits_podcast": 999, "summedits_qmsumm": 999,
    "summedits_sales_call": 999, "summedits_sales_email": 999, "summedits_scitldr": 999,
    "diasumfact_qmsum": 999, "xsumfaith": 600, "wice_claim": 999, "wice_token": 999,
    "factscore": 1_500, "expertqa": 400, "begin1": 600, "begin2_cmu": 999,
    "begin2_tc": 999, "faithdial_audit_cmu": 400, "faithdial_audit_tc": 400, "q2_wow": 500,
    "faithdial_audit_wow": 400, "halueval_summarization": 150, "summac_factcc": 999,
    "summac_polytope": 500, "summac_summeval": 999, "squad2_dev_half": 500,
    "condaqa": 500, "boolq": 200, "covidqa": 300, "policyqa": 100, "clapnq_dev": 999,
    "nq_oracle": 200, "qed_dev": 200, "fetaqa": 700, "qmsum": 700, "defacto": 1_500,
    "mtragun_reference": 999, "vitaminc_real": 2_000, "fever_train": 800,
    "nli_mnli": 3_000, "nli_snli": 1_000, "nli_scitail": 600, "tabfact_pairs": 400,
    "infotabs": 400, "fool_me_twice": 500,
}  # fmt: skip
# Whose supported sentences are edited into unsupported ones.
EDITED = frozenset({
    "bump", "clapnq_dev", "fetaqa", "qmsum", "mtragun_reference", "summac_factcc",
    "summac_summeval", "factscore", "summedits_news", "summedits_podcast",
    "summedits_qmsumm", "summedits_sales_call", "summedits_sales_email",
    "summedits_scitldr", "wice_claim", "defacto", "diasumfact_qmsum", "expertqa",
})  # fmt: skip
# Whose minimal edits are read twice, over different evidence.
REPEATED = ("summedits", "bump", "diasumfact")
_NOISY = {"expertqa": 0.4, "halueval_summarization": 0.4, "summac_polytope": 0.6}
_OPENINGS = (
    "Based on the provided passages, ", "According to passage 1, ", "According to passage 2, ",
    "According to the passages, ", "Based on the given passages, ", "The passage states that ",
    "Passage 3 mentions that ", "Based on the information provided, ", "In summary, ",
    "Therefore, ", "Overall, ", "Additionally, ", "However, ", "Yes, ", "The answer is: ",
)  # fmt: skip
_ABOUT_ITSELF = (
    "Based on the provided passages, here is the answer to the question:",
    "Unable to answer based on given passages.", "Here are the steps:", "I hope this helps!",
    "The passages do not give enough information to answer the question.",
    "Sure, here is the answer:", "Please let me know if you have any further questions.",
    "The provided passages do not mention this.", "Here is a summary of the main points:",
    "According to the given passages:", "There is no information about this in the passages.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence (or a short answer) and the text that it has to rest on.

    *before* is what a reader knows when reaching it: the question, the sentence before.
    *spans* are its unsupported characters, None where nobody marked them.
    """

    text: str
    context: str
    target: int
    before: str = ""
    spans: tuple[Span, ...] | None = None
    weight: float = 1.0


def read(paths: Iterable[Path]) -> Iterator[Row]:
    """Yield the rows of gzipped JSON lines."""
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def drawn(rows: Iterable[Row], most: dict[str, int], seed: int) -> list[Row]:
    """Return up to most[dataset] labelled rows of each data set, at random."""
    sets: dict[str, list[Row]] = {}
    for row in rows:
        if row["dataset"] in most and row["label"] is not None and row["answer"].strip():
            sets.setdefault(row["dataset"], []).append(row)
    choose = random.Random(seed)
    for name, found in sets.items():
        choose.shuffle(found)
        del found[most[name] :]
    return [row for _, found in sorted(sets.items()) for row in found]


def whole(row: Row) -> Claim:
    """Return the whole answer as one claim."""
    return Claim(row["answer"], row["context"], target(row), row["question"] or "", _spans(row))


def target(row: Row) -> int:
    """Return the class: entailed, neutral, contradicted, or only known not to be entailed."""
    if row["label"] == 0:
        return 0
    found = _TARGETS.get(row.get("kind") or row.get("degree") or "", _NOT_ENTAILED)
    return found or _NOT_ENTAILED


def _spans(row: Row) -> tuple[Span, ...] | None:
    if row["label"] == 0:
        return ()
    if not row["spans"]:
        return None
    return tuple(Span(span["start"], span["end"]) for span in row["spans"])


def claims(row: Row) -> list[Claim]:
    """Return the sentences of the row's answer, each with the label that its spans imply.

    An unsupported answer of several sentences without spans stays whole.
    """
    claim = replace(whole(row), weight=_NOISY.get(row["dataset"], 1.0))
    sentences = _sentences.split(claim.text)
    if len(sentences) < 2 or claim.spans is None:
        return [claim]
    return [_part(claim, sentences, place) for place in range(len(sentences))]


def _part(claim: Claim, sentences: Sequence[Span], place: int) -> Claim:
    sentence = sentences[place]
    text = sentence.of(claim.text)
    spans = tuple(
        Span(max(0, span.start - sentence.start), min(span.end, sentence.end) - sentence.start)
        for span in claim.spans or ()
        if span.start < sentence.end and span.end > sentence.start
    )
    before = claim.before
    if place and leans(text):
        before = f"{before} {sentences[place - 1].of(claim.text)}".strip()
    return replace(claim, text=text, spans=spans, before=before, target=3 if spans else 0)


def augmented(claims: Sequence[Claim], seed: int) -> Iterator[Claim]:
    """Yield what is made from *claims*: edits, lost evidence, the phrases of answers.

    Only supported claims over some evidence are edited, so that each edit is unsupported.
    """
    choose = random.Random(seed)
    sound = [claim for claim in claims if claim.target == 0 and 25 < len(claim.text) < 400]
    for claim in sound:
        yield from _edited(claim, choose)
        yield from _retold(claim, choose)
        if choose.random() < 0.3:
            yield from _without_evidence(claim)
        if choose.random() < 0.25:
            yield _opened(claim, choose)
        if choose.random() < 0.15:
            yield from _continued(claim, choose.choice(sound), choose)
        if choose.random() < 0.03:
            yield replace(claim, text=choose.choice(_ABOUT_ITSELF), spans=())


def copied(claims: Sequence[Claim], share: float, seed: int) -> Iterator[Claim]:
    """Yield sentences of the contexts as claims, which are supported and can be edited."""
    choose = random.Random(seed)
    contexts = sorted({claim.context for claim in claims})
    for context in contexts:
        sentences = [s for s in _sentences.split(context[:6000]) if 40 < s.end - s.start < 300]
        for _ in range(3):
            if sentences and choose.random() < share:
                yield Claim(choose.choice(sentences).of(context), context, 0, spans=())


def _edited(claim: Claim, choose: random.Random) -> Iterator[Claim]:
    for chance, make in ((0.45, edits.one), (0.45, wording.word), (0.25, wording.modifier)):
        if choose.random() >= chance:
            continue
        # Half of what can be said in other words is, so that these alone tell nothing.
        retold = paraphrase.reworded(claim.text, choose) if choose.random() < 0.5 else None
        edit = make(retold or claim.text, claim.context, choose)
        if edit is not None:
            yield replace(claim, text=edit.text, target=_NOT_ENTAILED, spans=(edit.span,))


def _retold(claim: Claim, choose: random.Random) -> Iterator[Claim]:
    reworded = paraphrase.reworded(claim.text, choose) if choose.random() < 0.7 else None
    shortened = paraphrase.shortened(claim.text) if choose.random() < 0.5 else None
    for text in (reworded, shortened):
        if text is not None:
            yield replace(claim, text=text)


def _without_evidence(claim: Claim) -> Iterator[Claim]:
    # What a context says twice would stay supported: every resembling sentence goes.
    words = _content(claim.text)
    sentences = _sentences.split(claim.context)
    if len(sentences) < 6 or len(words) < 5:
        return
    shares = [len(words & _content(s.of(claim.context))) / len(words) for s in sentences]
    kept = [s for s, share in zip(sentences, shares, strict=True) if share < 0.34]
    if max(shares) < 0.5 or len(kept) < 3:
        return
    text = " ".join(span.of(claim.context) for span in kept)
    yield replace(claim, context=text, target=_NOT_ENTAILED, spans=(Span(0, len(claim.text)),))


def _content(text: str) -> set[str]:
    return {word for word in text.lower().split() if len(word) > 3}


def _opened(claim: Claim, choose: random.Random) -> Claim:
    opening = choose.choice(_OPENINGS)
    text = claim.text if claim.text[:2].isupper() else claim.text[0].lower() + claim.text[1:]
    return replace(claim, text=opening + text)


def _continued(claim: Claim, other: Claim, choose: random.Random) -> Iterator[Claim]:
    if other.context != claim.context:
        edit = edits.addition(claim.text, other.text, choose)
        if edit is not None:
            yield replace(claim, text=edit.text, target=_NOT_ENTAILED, spans=(edit.span,))
