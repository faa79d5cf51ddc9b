"""Salts: each is given once, whichever thread or process asks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from trustlayer.audit.salts import LENGTH, salt


def test_no_salt_is_given_twice_in_any_thread() -> None:
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: salt(), range(5000)))
    assert len(set(drawn)) == 5000
    assert {len(each) for each in drawn} == {LENGTH}


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # Python 3.12
def test_a_forked_process_draws_its_own() -> None:
    salt()
    read, write = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover  # in another process
        os.write(write, salt())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        assert told.read() not in {salt() for _ in range(600)}
