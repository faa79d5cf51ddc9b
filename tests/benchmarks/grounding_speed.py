"""How fast the bundled models are beside torch fp32, as ratios on one machine in one run.

    python tests/benchmarks/grounding_speed.py [--answers 48] [--threads 2]

Needs the extra `train`. The encoder reads the same windows in both; the cross-encoder of
sentence-transformers reads each sentence of the answers beside the whole context (cut at 512
word pieces), as it is used when nothing chooses the evidence.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def encoder_ratio(texts: Sequence[str]) -> float:
    """Return throughput of the int8 encoder over torch fp32, windows of 126 word pieces."""
    import torch

    from trustlayer_detectors._models import encoder
    from trustlayer_detectors.training.crossencoder import Pair, collate
    from trustlayer_detectors.training.encoder import Encoder
    from trustlayer_detectors.training.origin import original

    windows = [text.ids[:126] for text in encoder.pieces(texts)]
    model = Encoder(original()).eval()
    batches = [
        collate([Pair(w, w[:0], 0) for w in windows[at : at + 16]], torch.device("cpu"))
        for at in range(0, len(windows), 16)
    ]

    def reference() -> None:
        with torch.inference_mode():
            for batch in batches:
                model(batch.input_ids, batch.attention_mask, batch.token_type_ids)

    encoder.vectors_of([windows[0][::-1]])  # loads the model
    ours = seconds(lambda: encoder.vectors_of(windows))
    return seconds(reference) / ours


def cross_encoder_ratio(answers: int) -> float:
    """Return throughput in answers of `grounding` over a torch fp32 CrossEncoder."""
    from sentence_transformers import CrossEncoder

    from tests.benchmarks.grounding import replay
    from trustlayer_detectors import _sentences
    from trustlayer_detectors.grounding import Grounding
    from trustlayer_detectors.training.origin import original

    exchanges = [case.exchange for case in replay()][:answers]
    pairs = [
        (exchange.context[0], span.of(exchange.answer))
        for exchange in exchanges
        for span in _sentences.split(exchange.answer)
    ]
    model = CrossEncoder(str(original()), num_labels=3, max_length=512, local_files_only=True)
    Grounding().examine([case.exchange for case in replay()[-2:]])  # loads the models
    ours = seconds(lambda: Grounding().examine(exchanges))
    return seconds(lambda: model.predict(pairs, batch_size=16, show_progress_bar=False)) / ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--answers", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    os.environ["TRUSTLAYER_THREADS"] = str(given.threads)
    import torch

    from tests.benchmarks.grounding import DATA, replay

    if not DATA.is_dir():
        sys.exit(f"no data at {DATA}: set TRUSTLAYER_DATA to the folder that holds replay/")
    torch.set_num_threads(given.threads)
    texts = [case.exchange.answer for case in replay()[: 4 * given.answers]]
    print(f"encoder, int8 over torch fp32: {encoder_ratio(texts):.1f} x")
    print(f"grounding over a torch fp32 CrossEncoder: {cross_encoder_ratio(given.answers):.1f} x")


if __name__ == "__main__":
    main()
