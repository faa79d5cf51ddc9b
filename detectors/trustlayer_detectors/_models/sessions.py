"""The bundled ONNX models, each loaded once for the whole process, on first use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from trustlayer.errors import MissingExtra
from trustlayer_detectors._models.devices import CPU_PROVIDER, providers
from trustlayer_detectors._models.pieces import Ints

Floats = npt.NDArray[np.float32]

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


def session(path: Path) -> onnxruntime.InferenceSession:
    """Return the session of the model at *path*; threads may share it.

    The environment variable TRUSTLAYER_THREADS sets how many threads one inference uses
    (default: one for each core, at most 4), and TRUSTLAYER_DEVICE where it runs, see
    `devices`; both are read when the model is loaded.
    """
    with _loading:  # without it two threads would both load
        return _session(path)


def tokenizer(path: Path) -> Tokenizer:
    """Return the tokenizer stored at *path*, which takes special tokens for plain text."""
    with _loading:
        return _tokenizer(path)


def run(
    session: onnxruntime.InferenceSession, rows: Sequence[Ints], types: Sequence[int]
) -> list[Floats]:
    """Return the outputs of *session* for rows of token numbers, padded to one length.

    types[i] is the position from which row i has token type 1.
    """
    shape = (len(rows), max(len(row) for row in rows))
    ids, mask, kinds = (np.zeros(shape, np.int64) for _ in range(3))
    for place, (row, second) in enumerate(zip(rows, types, strict=True)):
        ids[place, : len(row)], mask[place, : len(row)] = row, 1
        kinds[place, second : len(row)] = 1
    inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
    here = session.get_providers() == [CPU_PROVIDER]
    found = session.run(None, inputs, _giving_back() if here else None)
    return [np.asarray(output, np.float32) for output in found]


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
def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    options.log_severity_level = 3
    # Spinning while waiting for work nearly doubles the processor time, on a busy machine both.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A plan of memory for each shape of input does not pay: texts vary too much in length.
    options.enable_mem_pattern = False
    wanted = providers()
    if wanted == [CPU_PROVIDER]:
        _share_arena()
        options.add_session_config_entry("session.use_env_allocators", "1")
    else:
        options.enable_cpu_mem_arena = False
    return _expect_first(wanted, onnxruntime.InferenceSession(str(path), options, wanted))


def _expect_first(
    wanted: Sequence[str], made: onnxruntime.InferenceSession
) -> onnxruntime.InferenceSession:
    # Where its libraries do not load, ONNX Runtime goes on without the provider asked for.
    found = made.get_providers()
    if found[0] != wanted[0]:
        error = MissingExtra(f"ONNX Runtime could not use {wanted[0]}; it would use {found[0]}")
        error.add_note("it says why on stderr; a GPU, its driver, CUDA and cuDNN are needed")
        raise error
    return made


@cache
def _share_arena() -> None:
    """Have all models of this process compute in the same memory, not each in its own.

    It grows by what is asked for, not in powers of two.
    """
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    exactly = onnxruntime.OrtArenaCfg({"arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(where, exactly)


@cache
def _giving_back() -> onnxruntime.RunOptions:
    # The arena would keep the largest batch ever seen.
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


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
