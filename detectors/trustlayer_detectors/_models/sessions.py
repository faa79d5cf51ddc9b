"""The bundled ONNX models, each loaded once for the whole process, on first use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime import InferenceSession
from tokenizers import Tokenizer

from trustlayer.errors import MissingExtra
from trustlayer_detectors._models.devices import CPU_PROVIDER, providers
from trustlayer_detectors._models.pieces import Ints

Floats = npt.NDArray[np.float32]
Outputs = tuple[Floats, ...]

_BATCH = 2_048  # tokens in one inference, where rows are read together

_loading = RLock()


def weights(name: str, root: str = "") -> Path:
    """Return the folder of the weights called *name*: the bundled ones, or those under *root*.

    Raises FileNotFoundError where *root* holds none of that name.
    """
    if not root:
        return Path(str(files("trustlayer_detectors") / "weights" / name))
    found = Path(root) / name
    if not found.is_dir():
        error = FileNotFoundError(f"{root} has no folder {name!r} of weights")
        error.add_note(f"expected what this writes: trustlayer train ... --into {root}")
        raise error
    return found


def card(name: str, root: str = "") -> Mapping[str, Any]:
    """Return the card of the weights called *name*."""
    text = (weights(name, root) / "card.json").read_text("utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def session(path: Path) -> InferenceSession:
    """Return the session of the model at *path*; threads may share it.

    The environment variable TRUSTLAYER_THREADS sets how many inferences one call runs side by
    side, each on one thread (default: one for each core, at most 4), and TRUSTLAYER_DEVICE
    where they run, see `devices`.
    """
    with _loading:  # without it two threads would both load
        return _session(path)


def tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer stored at *path*, which takes special tokens for plain text."""
    with _loading:
        return _tokenizer(path)


def outputs_of(
    model: InferenceSession, rows: Sequence[Ints], types: Sequence[int]
) -> list[Outputs]:
    """Return what *model* says of each of *rows* of token numbers, in their order.

    types[i] is the position from which row i has token type 1. On the processor every row is
    read alone, and as many side by side as there are threads: nothing is padded, and what is
    found of a row is the same in any company, to the last bit (int8 products are scaled by the
    largest value in a batch). Elsewhere rows of similar length are read together, padded: an
    output of one value for each token is then longer than its row.
    """
    if model.get_providers() == [CPU_PROVIDER]:
        return _side_by_side(model, rows, types)
    found: dict[int, Outputs] = {}
    for batch in packed([len(row) for row in rows], _BATCH):
        outputs = _run(model, [rows[at] for at in batch], [types[at] for at in batch])
        found |= zip(batch, zip(*outputs, strict=True), strict=True)
    return [found[at] for at in range(len(rows))]


def _side_by_side(
    model: InferenceSession, rows: Sequence[Ints], types: Sequence[int]
) -> list[Outputs]:
    def alone(at: int) -> tuple[int, Outputs]:
        return at, tuple(output[0] for output in _run(model, [rows[at]], [types[at]]))

    # The longest first: at the end no thread waits long for another.
    order = sorted(range(len(rows)), key=lambda at: -len(rows[at]))
    threads = min(_threads(), len(rows))
    if threads < 2:
        found = dict(map(alone, order))
    else:
        with ThreadPoolExecutor(threads, "trustlayer-read") as pool:
            found = dict(pool.map(alone, order))
    return [found[at] for at in range(len(rows))]


def _run(model: InferenceSession, rows: Sequence[Ints], types: Sequence[int]) -> list[Floats]:
    shape = (len(rows), max(len(row) for row in rows))
    ids, mask, kinds = (np.zeros(shape, np.int64) for _ in range(3))
    for place, (row, second) in enumerate(zip(rows, types, strict=True)):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
        kinds[place, second : len(row)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
    return [np.asarray(output, np.float32) for output in model.run(None, inputs)]


def packed(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Yield batches of indices, by length, of at most *tokens* tokens with the padding."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@lru_cache
def _session(path: Path) -> InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    # A plan of memory for each shape of input does not pay: texts vary too much in length.
    options.enable_mem_pattern = False
    wanted = providers()
    if wanted == [CPU_PROVIDER]:
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
    else:
        options.enable_cpu_mem_arena = False
    return _expect_first(wanted, onnxruntime.InferenceSession(str(path), options, wanted))


def _expect_first(wanted: Sequence[str], made: InferenceSession) -> InferenceSession:
    # Where its libraries do not load, ONNX Runtime goes on without the provider asked for.
    found = made.get_providers()
    if found[0] != wanted[0]:
        error = MissingExtra(f"ONNX Runtime could not use {wanted[0]}; it would use {found[0]}")
        error.add_note("it says why on stderr; a GPU, its driver, CUDA and cuDNN are needed")
        raise error
    return made


@cache
def _share_arena() -> None:
    """Have all models of this process compute in the same memory, not each in its own."""
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(where, onnxruntime.OrtArenaCfg({}))


def _threads() -> int:
    given = os.environ.get("TRUSTLAYER_THREADS", "")
    return int(given) if given else min(4, os.cpu_count() or 1)


@lru_cache
def _tokenizer(path: Path) -> Tokenizer:
    found = Tokenizer.from_file(str(path))
    found.no_padding()
    found.no_truncation()
    found.encode_special_tokens = True  # "[SEP]" in an answer separates nothing
    return found
