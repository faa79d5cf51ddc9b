"""From a trained torch model to the int8 ONNX file that is bundled."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def export(
    model: nn.Module,
    target: Path,
    outputs: Sequence[str],
    *,
    inputs: Sequence[str] = INPUTS,
    int8: bool = True,
) -> None:
    """Write *model* (eager attention, inputs of shape batch x length) to *target* as ONNX.

    Traced, not exported by dynamo: of this graph onnxruntime fuses the attention, which
    makes it twice as fast. With *int8* the weights of matrix products and the embeddings
    are quantised, which divides the size by four.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.onnx"
        _trace(model.eval().float().cpu(), full, inputs, outputs)
        if int8:
            quantise(full, target)
        else:
            shutil.copyfile(full, target)


def _trace(model: nn.Module, path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    sample = torch.randint(999, 9999, (2, 16))
    ones = torch.ones_like(sample)
    known: dict[str, Tensor] = {"input_ids": sample, "attention_mask": ones}
    axes = {name: {0: "batch", 1: "length"} for name in [*inputs, *outputs]}
    with warnings.catch_warnings():
        # That it traces, in the old way, is on purpose; lengths that it takes for constants are
        # those of masks, which other lengths were tried on.
        warnings.filterwarnings("ignore")
        torch.onnx.export(
            model,
            tuple(known.get(name, torch.zeros_like(sample)) for name in inputs),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def quantise(source: Path, target: Path) -> None:
    """Quantise the fp32 ONNX file *source* to int8 weights, by output channel."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = str(Path(folder) / "prepared.onnx")
        quant_pre_process(str(source), prepared, skip_symbolic_shape=True)
        quantize_dynamic(prepared, str(target), weight_type=QuantType.QInt8, per_channel=True)
    onnx.checker.check_model(str(target))


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write card.json, with the hash and the size of every other file in *folder*."""
    files = {
        path.name: {"sha256": sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.name not in ("card.json", "README.md")
    }
    text = json.dumps({**card, "files": files}, indent=2, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file at *path* in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
