"""How fast the bundled `grounding` is beside the LettuceDetect package, in one run.

    python tests/benchmarks/lettucedetect_speed.py [--answers 200] [--threads 2]

Needs the extra `models` and the package lettucedetect (pip install --no-deps lettucedetect
rag-fact-checker). LettuceDetect runs a model in the shape of ModernBERT-base, 150M parameters;
its weights are random, which changes nothing about its speed, and its tokenizer is ours. Both
read the same recorded answers below TRUSTLAYER_DATA, by default ../shared/data beside the
repository, in turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TRUSTLAYER_DATA", ROOT.parent / "shared" / "data"))
TURNS = 5


def recorded(count: int) -> list[tuple[str, str, str]]:
    """(question, context, answer) of the first *count* recorded answers."""
    found: list[tuple[str, str, str]] = []
    path = DATA / "replay" / "ragtruth_qa_a.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            found += [(row["question"], row["context"], r["text"]) for r in row["responses"]]
    return found[:count]


def peer(folder: Path) -> Any:
    """LettuceDetect's own detector around a model of ModernBERT-base's shape."""
    import transformers
    from lettucedetect.models.inference import HallucinationDetector  # type: ignore[import-not-found]

    from trustlayer_detectors._models import weights

    tokenizer = str(weights("encoder") / "tokenizer.json")
    special = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    made: Any = transformers.PreTrainedTokenizerFast
    made(tokenizer_file=tokenizer, **special).save_pretrained(folder)
    shape: Any = transformers.ModernBertConfig
    config = shape(num_labels=2)
    transformers.ModernBertForTokenClassification(config).save_pretrained(folder)
    return HallucinationDetector(method="transformer", model_path=str(folder))


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def turns(rows: Sequence[tuple[str, str, str]], rival: Any) -> tuple[list[float], list[float]]:
    """Seconds of both for each share of the rows, one after the other."""
    from trustlayer import Exchange, load

    ours = load("grounding")
    ours.examine([Exchange("warm", "warm", ("up",))])
    own: list[float] = []
    others: list[float] = []
    for turn in range(TURNS):
        share = rows[turn::TURNS]
        exchanges = [Exchange(question, answer, (context,)) for question, context, answer in share]
        own.append(seconds(lambda batch=exchanges: ours.examine(batch)))  # type: ignore[misc]
        others.append(
            seconds(
                lambda batch=share: [  # type: ignore[misc]
                    rival.predict(context=[c], question=q, answer=a, output_format="spans")
                    for q, c, a in batch
                ]
            )
        )
    return own, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ["TRUSTLAYER_THREADS"] = str(options.threads)
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.set_num_threads(options.threads)
    rows = recorded(options.answers)
    with tempfile.TemporaryDirectory() as folder:
        own, others = turns(rows, peer(Path(folder)))
    ratios = [other / one for one, other in zip(own, others, strict=True)]
    print(f"{len(rows)} answers, {options.threads} threads")
    print(f"grounding      {len(rows) / sum(own):8.2f} answers/s")
    print(f"LettuceDetect  {len(rows) / sum(others):8.2f} answers/s")
    print(
        f"ratio {sum(others) / sum(own):.1f}, by turn {min(ratios):.1f} to {max(ratios):.1f}, "
        f"median {statistics.median(ratios):.1f}"
    )


if __name__ == "__main__":
    main()
