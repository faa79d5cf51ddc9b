from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trustlayer import Exchange, available, load
from trustlayer.errors import BrokenDetector, DetectorClash, UnknownDetector

SOURCE = '''
from dataclasses import dataclass
from trustlayer import Exchange, Finding, detector

@detector
def hedging(exchange: Exchange) -> Finding:
    """Flag answers that dodge the question."""
    return Finding(float("perhaps" in exchange.answer))

@dataclass(frozen=True)
class Optional:
    name: str = "optional"
    strict: bool = False
    def examine(self, exchanges):
        return [Finding(float(self.strict)) for _ in exchanges]

nothing = 3
'''
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a small distribution of entry points, as pip would, in a folder on the path."""

    def make(distribution: str, **entries: str) -> None:
        site = tmp_path / distribution
        info = site / f"{distribution}-1.0.dist-info"
        info.mkdir(parents=True)
        (site / f"{distribution}.py").write_text(SOURCE)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0")
        lines = [f"{name} = {distribution}:{what}" for name, what in entries.items()]
        text = "\n".join(["[trustlayer.detectors]", *lines])
        (info / "entry_points.txt").write_text(text)
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.delitem(sys.modules, distribution, raising=False)

    return make


def test_anyones_detector_is_found_by_name(install: Install) -> None:
    install("tl_hedging", hedging="hedging")
    assert "hedging" in available()
    [finding] = load("hedging").examine([Exchange("p", "perhaps")])
    assert getattr(finding, "risk", None) == 1.0


def test_options_go_to_a_class(install: Install) -> None:
    install("tl_optional", optional="Optional")
    [finding] = load("optional", strict=True).examine([Exchange("p", "a")])
    assert getattr(finding, "risk", None) == 1.0
    with pytest.raises(BrokenDetector, match="unexpected keyword argument 'strikt'"):
        load("optional", strikt=True)


def test_an_unknown_name_is_answered_with_the_nearest(install: Install) -> None:
    install("tl_hedging2", hedging="hedging")
    with pytest.raises(UnknownDetector, match="no detector is named 'hedgin'; installed: ") as e:
        load("hedgin")
    assert e.value.__notes__ == ["Did you mean 'hedging'?"]


def test_two_packages_may_not_claim_one_name(install: Install) -> None:
    install("tl_one", hedging="hedging")
    install("tl_two", hedging="hedging")
    for call in (available, lambda: load("hedging")):
        with pytest.raises(DetectorClash, match="two packages offer a detector named 'hedging'"):
            call()


@pytest.mark.parametrize(
    ("what", "complaint"),
    [("nothing", "offers int"), ("missing", "has no attribute 'missing'")],
)
def test_a_broken_detector_is_named(install: Install, what: str, complaint: str) -> None:
    install("tl_broken", odd=what)
    with pytest.raises(BrokenDetector, match=complaint):
        load("odd")
