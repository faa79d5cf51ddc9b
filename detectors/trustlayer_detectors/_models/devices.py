"""Where the bundled models run: on the processor, or on a GPU where ONNX Runtime knows one."""

from __future__ import annotations

import os

import onnxruntime

from trustlayer.errors import MissingExtra

CPU, CUDA = "cpu", "cuda"
CPU_PROVIDER = "CPUExecutionProvider"
_PROVIDERS = {CPU: CPU_PROVIDER, CUDA: "CUDAExecutionProvider"}


def providers() -> list[str]:
    """The execution providers that the environment variable TRUSTLAYER_DEVICE asks for.

    It is ``cpu`` (the default) or ``cuda``; what a GPU cannot compute the processor does.
    Raises ValueError for anything else, and MissingExtra where ONNX Runtime has no such
    provider.
    """
    device = os.environ.get("TRUSTLAYER_DEVICE", "") or CPU
    if device not in _PROVIDERS:
        raise ValueError(f"found TRUSTLAYER_DEVICE={device!r}; expected {' or '.join(_PROVIDERS)}")
    wanted, installed = _PROVIDERS[device], onnxruntime.get_available_providers()
    if wanted not in installed:
        error = MissingExtra(f"ONNX Runtime has no {wanted}; it has {', '.join(installed)}")
        error.add_note("pip uninstall onnxruntime, then: pip install onnxruntime-gpu")
        raise error
    return list(dict.fromkeys([wanted, CPU_PROVIDER]))
