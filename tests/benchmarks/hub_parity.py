"""`TransformersDetector` beside the packages of its peers, on the same random weights.

    python tests/benchmarks/hub_parity.py [--cases 60]

Needs the extra `models`; lettucedetect and detoxify are compared where they can be imported,
as after `pip install --no-deps --target PEERS lettucedetect rag-fact-checker detoxify` with
PYTHONPATH=PEERS. The weights are tiny and drawn at random, so nothing is fetched; what agrees
on them agrees on any.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from trustlayer import Exchange, Finding
from trustlayer_detectors.hub import Pair, Text, Tokens, TransformersDetector

# Its functions are not annotated throughout.
transformers: Any = import_module("transformers")
WORDS = [f"w{number}" for number in range(200)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
Gap = Callable[[Path, Sequence[Exchange]], float]


def exchanges(many: int) -> list[Exchange]:
    """Return drawn exchanges of 1 to 60 words."""
    draw = random.Random(7)

    def text(least: int, most: int) -> str:
        return " ".join(draw.choices(WORDS, k=draw.randint(least, most)))

    return [Exchange(text(3, 12), text(1, 40), (text(10, 60),)) for _ in range(many)]


def saved(folder: Path, kind: str, labels: Sequence[str]) -> str:
    """Save a model of that kind with random weights, and its tokenizer."""
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(WORDS) + 4, intermediate_size=64, max_position_embeddings=256,
        initializer_range=0.6, id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)}, **SIZES,
    )  # fmt: skip
    path = folder / kind
    getattr(transformers, kind)(config).save_pretrained(path)
    made = Tokenizer(
        models.WordLevel({w: i for i, w in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]")
    )
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=256,
    ).save_pretrained(path)  # fmt: skip
    return str(path)


def lettucedetect(folder: Path, cases: Sequence[Exchange]) -> float:
    """Return the largest gap of probabilities; a span that differs is a gap of 1."""
    from lettucedetect.models.inference import HallucinationDetector  # type: ignore[import-not-found]

    model = saved(folder, "BertForTokenClassification", ["sound", "unsound"])
    theirs = HallucinationDetector(method="transformer", model_path=model, max_length=256)
    head = Tokens(("unsound",), template="{context} {prompt}")
    gaps = []
    for case, found in zip(cases, _found(model, head, cases), strict=True):
        prompt = f"{case.context[0]} {case.prompt}"
        tokens = theirs.predict_prompt(prompt, case.answer, output_format="tokens")
        spans = theirs.predict_prompt(prompt, case.answer, output_format="spans")
        ours = [(e.span.start, e.span.end) for e in found.evidence if e.span]
        own = len(case.answer.split())
        gaps.append(abs(max(token["prob"] for token in tokens[:own]) - found.risk))
        gaps.append(float(ours != [(span["start"], span["end"]) for span in spans]))
    return float(max(gaps))


def detoxify(folder: Path, cases: Sequence[Exchange]) -> float:
    """Return the largest gap of the largest probability."""
    from detoxify import Detoxify  # type: ignore[import-not-found]

    names = ["toxicity", "insult", "threat"]
    model = saved(folder, "BertForSequenceClassification", names)
    arguments = {"model_type": model, "model_name": "BertForSequenceClassification",
                 "tokenizer_name": "AutoTokenizer", "num_classes": len(names)}  # fmt: skip
    network = transformers.BertForSequenceClassification.from_pretrained(model)
    config = {"dataset": {"args": {"classes": names}}, "arch": {"args": arguments}}
    torch.save({"config": config, "state_dict": network.state_dict()}, folder / "detoxify.ckpt")
    theirs = Detoxify(checkpoint=str(folder / "detoxify.ckpt"), huggingface_config_path=model)
    found = _found(model, Text(tuple(names)), cases)
    gaps = [
        abs(float(max(theirs.predict(case.answer).values())) - each.risk)
        for case, each in zip(cases, found, strict=True)
    ]
    return max(gaps)


def cross_encoder(folder: Path, cases: Sequence[Exchange]) -> float:
    """Return the largest gap to sentence-transformers' CrossEncoder."""
    from sentence_transformers import CrossEncoder

    model = saved(folder, "BertForSequenceClassification", ["entail", "neutral", "contradict"])
    theirs = CrossEncoder(model, device="cpu")
    shares = theirs.predict([(case.context[0], case.answer) for case in cases], apply_softmax=True)
    found = _found(model, Pair(("neutral", "contradict")), cases)
    return max(abs(float(1 - s[0]) - f.risk) for s, f in zip(shares, found, strict=True))


def pipeline(folder: Path, cases: Sequence[Exchange]) -> float:
    """Return the largest gap to transformers' text classification."""
    model = saved(folder, "BertForSequenceClassification", ["fine", "toxic"])
    theirs: Any = transformers.pipeline("text-classification", model=model, device="cpu")
    rows = [theirs(case.answer, top_k=None, function_to_apply="sigmoid") for case in cases]
    risks = [next(each["score"] for each in row if each["label"] == "toxic") for row in rows]
    found = _found(model, Text(("toxic",)), cases)
    return max(abs(float(risk) - f.risk) for risk, f in zip(risks, found, strict=True))


def _found(model: str, head: Any, cases: Sequence[Exchange]) -> list[Finding]:
    found = TransformersDetector(model=model, head=head, device="cpu").examine(cases)
    assert all(isinstance(each, Finding) for each in found), found
    return [each for each in found if isinstance(each, Finding)]


def compared(cases: Sequence[Exchange]) -> Iterator[tuple[str, str]]:
    """Yield each peer and the largest gap to it, or why it was not compared."""
    peers: dict[str, Gap] = {
        "transformers pipeline": pipeline,
        "sentence-transformers CrossEncoder": cross_encoder,
        "detoxify": detoxify,
        "lettucedetect": lettucedetect,
    }
    for name, gap in peers.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                yield name, f"{gap(Path(folder), cases):.1e}"
            except ImportError as error:
                yield name, f"not compared: {error}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=60)
    cases = exchanges(parser.parse_args().cases)
    print(f"largest difference over {len(cases)} exchanges")
    for name, told in compared(cases):
        print(f"{name:36}{told}")


if __name__ == "__main__":
    main()
