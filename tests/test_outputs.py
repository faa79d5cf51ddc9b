"""What the bundled models say of a row does not depend on what is read beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from trustlayer import Exchange, Finding, load
from trustlayer_detectors._models.encoder import pieces
from trustlayer_detectors._models.pieces import CLS, SEP, Ints
from trustlayer_detectors._models.sessions import Floats, outputs_of, session, weights

TEXTS = (
    "The mill burned down.",
    "Nobody knows who built the bridge over the Arve, nor when it was painted green.",
    "Green.",
    "The orchard belongs to the abbey. Its pears are sold at the gate, and its apples are not.",
)
CONTEXT = "The mill of Arvika burned down in 1871. The bridge over the Arve is green."


class Elsewhere:
    """A model that is read in padded batches, as on a GPU."""

    def __init__(self, model: Any) -> None:
        self.run = model.run

    def get_providers(self) -> list[str]:
        return ["ElsewhereExecutionProvider"]


def rows() -> list[Ints]:
    found = [np.concatenate([[CLS], text.ids, [SEP]]) for text in pieces(TEXTS)]
    return [row.astype(np.int32) for row in found]


def distance(one: Floats, other: Floats) -> float:
    """The mean difference of what both hold: padded rows are longer."""
    both = min(len(one), len(other))
    return float(np.abs(one[:both] - other[:both]).mean())


@pytest.mark.parametrize("name", ["encoder", "entailment", "safety"])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_row_is_read_the_same_in_any_company(
    name: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTLAYER_THREADS", threads)
    model = session(weights(name) / "model.onnx")
    together = outputs_of(model, rows(), [4] * len(TEXTS))
    for row, outputs in zip(rows(), together, strict=True):
        [alone] = outputs_of(model, [row], [4])
        for one, other in zip(outputs, alone, strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize("name", ["encoder", "entailment", "safety"])
def test_rows_read_in_padded_batches_keep_their_order_and_nearly_their_values(name: str) -> None:
    model = session(weights(name) / "model.onnx")
    elsewhere: Any = Elsewhere(model)
    padded = outputs_of(elsewhere, rows(), [4] * len(TEXTS))
    for place, outputs in enumerate(outputs_of(model, rows(), [4] * len(TEXTS))):
        for number, output in enumerate(outputs):
            far = [distance(output, others[number]) for others in padded]
            assert far[place] == min(far) < 0.5


@pytest.mark.parametrize("name", ["grounding", "toxicity", "harm"])
def test_a_finding_does_not_depend_on_the_other_answers(name: str) -> None:
    detector = load(name)
    exchanges = [Exchange("What happened?", text, (CONTEXT,)) for text in TEXTS]
    together = detector.examine(exchanges)
    for exchange, finding in zip(exchanges, together, strict=True):
        assert isinstance(finding, Finding)
        assert detector.examine([exchange]) == [finding]


def test_no_rows_need_no_model() -> None:
    assert outputs_of(session(weights("encoder") / "model.onnx"), [], []) == []
