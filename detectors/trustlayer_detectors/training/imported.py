"""Reads the weights of a bundled int8 ONNX file back, to go on learning from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

_QUANTISED = "_quantized"
Arrays = Mapping[str, npt.NDArray[np.generic]]


def load(model: nn.Module, path: Path) -> None:
    """Put the weights of the ONNX file at *path*, written by `export`, into *model*.

    int8 weights become what they stand for: at most half a quantisation step away from
    those that were exported. Raises ValueError where the file is of another architecture.
    """
    found = state(path)
    expected = model.state_dict()
    lacking = sorted(name for name in expected if name not in found)
    wrong = sorted(n for n in expected if n in found and found[n].shape != expected[n].shape)
    if lacking or wrong:
        raise ValueError(
            f"{path} does not fit {type(model).__name__}: lacks {lacking[:3]}, "
            f"other shapes at {wrong[:3]}"
        )
    model.load_state_dict({name: found[name] for name in expected})


def state(path: Path) -> dict[str, Tensor]:
    """Return the parameters in the ONNX file at *path* under the names that torch gave them."""
    graph = onnx.load(str(path)).graph
    arrays = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    found = {name: array for name, array in arrays.items() if _is_parameter(name)}
    for node in graph.node:
        for name in set(node.input) & set(arrays):
            if name.endswith(_QUANTISED):
                weight = _weight(arrays, name)
                # Matrix products hold their weights the other way round.
                turned = weight.T if node.op_type == "MatMulInteger" else weight
                found[_parameter(name, node.name)] = turned
    return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in found.items()}


def _is_parameter(name: str) -> bool:
    return not name.startswith(("/", "onnx::")) and name.rpartition(".")[2] in ("weight", "bias")


def _parameter(name: str, node: str) -> str:
    if "::" not in name:
        return name.removesuffix(_QUANTISED)
    # Traced weights have lost their names, but not the module: "/encoder/.../query/MatMul_quant".
    return ".".join([*node.strip("/").split("/")[:-1], "weight"])


def _weight(arrays: Arrays, name: str) -> npt.NDArray[np.float32]:
    stem = name.removesuffix(_QUANTISED)
    scale, zero = arrays[f"{stem}_scale"], arrays[f"{stem}_zero_point"]
    steps = arrays[name].astype(np.float32) - zero.astype(np.float32)
    return np.asarray(steps * scale.astype(np.float32), np.float32)
