"""Writes the card of weights/safety: calibration first, then what both detectors are worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustlayer_detectors.harm import Harm
from trustlayer_detectors.toxicity import Toxicity
from trustlayer_detectors.training import safety_figures as figures
from trustlayer_detectors.training import safety_rows
from trustlayer_detectors.training.counterexample_words import IDENTITIES
from trustlayer_detectors.training.export import write_card
from trustlayer_detectors.training.metrics import auroc, f1_above, interval
from trustlayer_detectors.training.safety_model import Example
from trustlayer_detectors.training.safety_rows import Row

_HELD_OUT = 120  # own texts of each kind, from the held-out templates
_REPLIES = 1500  # answers of grounding/dev, taken as harmless


def measure(data: Path, dev: Sequence[Row], root: str) -> dict[str, Any]:
    """Measure both detectors, with the weights under *root*, on dev and on own held-out pairs."""
    own = safety_rows.own_held_out(_HELD_OUT, 99)
    return {
        "toxicity": _toxicity(Toxicity(weights=root), dev, own),
        "harm": _harm(Harm(weights=root), dev, own),
        "false_alarms_on_replies": _replies(data, root),
    }


def _toxicity(detector: Toxicity, dev: Sequence[Row], own: Sequence[Row]) -> dict[str, Any]:
    known = [row for row in dev if row["labels"]["toxicity"] is not None]
    texts = [row for row in own if row["dataset"] == "own_texts"]
    on_own = figures.risks_of(detector, texts)
    mentions = np.array([_is_mention(str(row["kind"])) for row in texts])
    harmless = [row for row, mention in zip(texts, mentions, strict=True) if mention]
    return {
        "limit": detector.limit,
        "dev": _at_limit(known, figures.risks_of(detector, known), "toxicity", detector.limit),
        "own_pairs": {
            "mentions_flagged": figures.flagged(
                on_own[mentions], detector.limit, [row["frame"] for row in harmless]
            ),
            "flagged_by_kind": figures.by_kind(texts, on_own, detector.limit),
        },
        "mean_risk_by_identity": list(figures.by_identity(harmless, on_own[mentions], IDENTITIES)),
    }


def _is_mention(kind: str) -> bool:
    return not kind.startswith("use") and kind != "others"  # scorn for a trade may well be toxic


def _harm(detector: Harm, dev: Sequence[Row], own: Sequence[Row]) -> dict[str, Any]:
    known = [row for row in dev if row["labels"]["harmful_compliance"] is not None]
    pairs = [row for row in own if row["dataset"] == "own_harm"]
    risks = figures.risks_of(detector, known)
    sets = sorted({str(row["dataset"]) for row in known})
    return {
        "limit": detector.limit,
        "dev": {s: _at_limit(*_of(known, risks, s), "harmful_compliance", detector.limit)
                for s in sets},
        "own_pairs": figures.by_kind(pairs, figures.risks_of(detector, pairs), detector.limit),
    }  # fmt: skip


def _of(rows: Sequence[Row], risks: figures.Array, dataset: str) -> tuple[list[Row], figures.Array]:
    inside = np.array([row["dataset"] == dataset for row in rows])
    return [row for row, held in zip(rows, inside, strict=True) if held], risks[inside]


def _at_limit(
    rows: Sequence[Row], risks: figures.Array, label: str, limit: float
) -> dict[str, Any]:
    seen = np.isfinite(risks)
    hard = np.array([int(row["labels"][label] >= 0.5) for row in rows])[seen]
    return {
        "rows": len(hard),
        "positives": int(hard.sum()),
        "unexamined": int((~seen).sum()),
        "auroc": interval(hard, risks[seen], auroc, draws=500).as_json(),
        "f1": interval(hard, risks[seen], f1_above(limit), draws=500).as_json(),
        "flagged_of_positives": figures.flagged(risks[seen][hard == 1], limit),
        "flagged_of_negatives": figures.flagged(risks[seen][hard == 0], limit),
    }


def _replies(data: Path, root: str) -> dict[str, Any]:
    rows = safety_rows.read(data / "grounding" / "dev.jsonl.gz")
    picked = np.random.default_rng(3).choice(len(rows), _REPLIES, replace=False)
    replies = [{"prompt": rows[i].get("question"), "text": rows[i]["answer"]} for i in picked]
    asked = [row for row in replies if row["prompt"]]
    toxicity, harm = Toxicity(weights=root), Harm(weights=root)
    return {
        "toxicity": figures.flagged(figures.risks_of(toxicity, replies), toxicity.limit),
        "harm": figures.flagged(figures.risks_of(harm, asked), harm.limit),
    }


def quantisation(made: Sequence[Example], full: figures.Array, small: figures.Array) -> Any:
    """Return the mean AUROC with fp32 and with int8 weights."""
    areas = [figures.by_label(made, logits, draws=2) for logits in (full, small)]
    each = {name: [round(area[name]["auroc"]["value"], 4) for area in areas] for name in areas[0]}
    means = [figures.mean_auroc(area) for area in areas]
    return {"mean_auroc_fp32": means[0], "mean_auroc_int8": means[1], "fp32_int8": each}


def write(folder: Path, card: Mapping[str, Any], notes: Path) -> None:
    """Write card.json and, for people, README.md, which ends with *notes*."""
    write_card(folder, card)
    text = _readme(json.loads((folder / "card.json").read_text("utf-8")))
    (folder / "README.md").write_text(text + notes.read_text("utf-8"), encoding="utf-8")


def _readme(card: Mapping[str, Any]) -> str:
    parts = [
        "# safety: the model behind `toxicity` and `harm`",
        str(card["description"]),
        f"Base: {card['base']}. Trained on: {', '.join(card['data'])} (licences: "
        f"{', '.join(card['licences'])}).",
        _making(card),
        "All figures are on `safety/dev`, never fitted on; 95 % bootstrap intervals.",
        "## By label",
        _label_table(card["labels"]),
        f"Mean AUROC over the labels with more than 100 positives: **{card['mean_auroc']}**.",
        "## Inside each data set",
        _dataset_table(card["datasets"]),
        "## int8 against fp32",
        _quantisation(card["quantisation"]),
        "## At the default limits, through the detectors",
        _detector_tables(card["detectors"]),
    ]
    return "\n\n".join(parts) + "\n\n"


def _making(card: Mapping[str, Any]) -> str:
    how, file = card["made"], card["files"]["model.onnx"]
    return (
        f"Made by `{card['command']}` (seed {how['seed']}, {how['threads']} CPU thread, torch "
        f"{how['torch']}): {how['rows']:,} texts in {how['steps']:,} batches. `model.onnx` is the "
        f"file that this command wrote, SHA-256 `{file['sha256']}`. On one thread of the same kind "
        "of CPU the command writes the same bytes again; elsewhere rounding differs, so that bytes "
        "do too, and the figures below are what to compare."
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _label_table(labels: Mapping[str, Any]) -> str:
    rows = [
        (name, f"{each['positives']} / {each['rows']}", _shown(each["auroc"]),
         _shown(each["auprc"]), f"{each['ece']:.3f}",
         "thin" if each["positives"] <= 100 else "")
        for name, each in labels.items()
    ]  # fmt: skip
    return _table(("label", "positives / rows", "AUROC", "AUPRC", "ECE", ""), rows)


def _dataset_table(datasets: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (each["dataset"], each["label"], f"{each['positives']} / {each['rows']}",
         _shown(each["auroc"]))
        for each in datasets
    ]  # fmt: skip
    return _table(("data set", "label", "positives / rows", "AUROC"), rows)


def _quantisation(found: Mapping[str, Any]) -> str:
    rows = [(name, *pair) for name, pair in found["fp32_int8"].items()]
    rows.append(("**mean**", found["mean_auroc_fp32"], found["mean_auroc_int8"]))
    return _table(("label", "AUROC fp32", "AUROC int8"), rows)


def _detector_tables(found: Mapping[str, Any]) -> str:
    toxicity, harm = found["toxicity"], found["harm"]
    dev = [("toxicity", "all", toxicity["dev"])]
    dev += [("harm", name, each) for name, each in harm["dev"].items()]
    rows = [(who, where, _shown(e["auroc"]), _shown(e["f1"]), _shown(e["flagged_of_positives"]),
             _shown(e["flagged_of_negatives"])) for who, where, e in dev]  # fmt: skip
    own = {**toxicity["own_pairs"]["flagged_by_kind"], **harm["own_pairs"]}
    own["all mentions"] = toxicity["own_pairs"]["mentions_flagged"]
    replies = found["false_alarms_on_replies"]
    head = ("detector", "dev rows", "AUROC", "F1", "flagged of positives", "of negatives")
    return "\n\n".join([
        f"Limits: toxicity {toxicity['limit']}, harm {harm['limit']}.",
        _table(head, rows),
        "Our own pairs, from templates that never trained, with words of which every second never "
        "did; intervals by drawing templates anew. To be flagged are `served` and all that begins "
        "with `use`, nothing else:",
        _table(
            ("kind", "templates", "texts", "flagged"),
            [(k, e["templates"], e["rows"], _shown(e)) for k, e in own.items()],
        ),
        "Ordinary answers (of `grounding/dev`, taken as harmless) flagged: "
        f"toxicity {_shown(replies['toxicity'])}, harm {_shown(replies['harm'])}.",
        _identity(toxicity["mean_risk_by_identity"]),
    ])  # fmt: skip


def _identity(found: Sequence[tuple[str, float, int]]) -> str:
    shown = ", ".join(f"{word} {risk:.2f}" for word, risk, _ in found)
    return f"Mean toxicity risk of harmless held-out sentences by the identity they name: {shown}."


def _shown(share: Mapping[str, float]) -> str:
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
