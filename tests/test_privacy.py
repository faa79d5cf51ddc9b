"""What is recognised as personal data or a secret, and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.errors import BrokenRecogniser, MissingExtra, UnknownRecogniser
from trustlayer.exchange import Span
from trustlayer.privacy import BUILT_IN, Recognised, available, load, recognise, redact
from trustlayer.privacy.presidio import recogniser

FOUND = [
    ("email", "jane.doe+x@example.co.uk"),
    ("email", "ünal@köln.de"),
    ("phone", "+49 30 901820"),
    ("phone", "+1-415-555-2671"),
    ("phone", "0044 20 7946 0958"),
    ("phone", "(212) 555-0187"),
    ("phone", "415-555-2671"),
    ("phone", "0171 2345678"),
    ("phone", "(+49) 171 2345678"),
    ("card", "4111 1111 1111 1111"),
    ("card", "5500005555555559"),
    ("card", "3782-822463-10005"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "GB82WEST12345698765432"),
    ("iban", "fr7630006000011234567890189"),
    ("ip", "192.168.0.1"),
    ("ip", "2001:db8::8a2e:370:7334"),
    ("ip", "::1"),
    ("secret", "sk-proj-abcDEF1234567890abcdef"),
    ("secret", "AKIAIOSFODNN7EXAMPLE"),
    ("secret", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("secret", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF"),
    ("secret", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"),
]
INNOCENT = [
    "In 1889 the tower was 324 metres tall; 7,300 tonnes of iron.",
    "Born 2024-01-15 at 14:30:22, order 1234567890, sum 1,234,567.89.",
    "The card 4111-1111-1111-1112 has a typing error, GB83WEST12345698765432 as well.",
    "The password is important. A token of love, a secret garden.",
    "std::vector<int> and 999.1.1.1 and user@localhost",
    "",
]


@pytest.mark.parametrize(("kind", "datum"), FOUND)
@pytest.mark.parametrize("frame", ["{}", "Take {}, please.", "({})", "it is «{}»\nor so"])
def test_data_are_found_where_they_are(kind: str, datum: str, frame: str) -> None:
    text = frame.format(datum)
    [found] = recognise(text)
    assert (found.kind, found.of(text)) == (kind, datum)
    assert redact(text) == frame.format(f"[{kind.upper()}]")


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("my password is Tr0ub4dor&3.", "my password is [SECRET]."),
        ('{"api_key": "abcdef99"}', '{"api_key": "[SECRET]"}'),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer abc.def.ghi"),
        ("token: Bearer abc.def.ghi", "token: [SECRET]"),
        ("postgres://me:s3cret@host/db", "postgres://me:[SECRET]@host/db"),
        ("call me at 5552671", "call me at [PHONE]"),
        ("030 901820 and 1234 4111 1111 1111 1111", "[PHONE] and 1234 [CARD]"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "[SECRET]"),
    ],
)
def test_what_the_words_around_tell(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_overlapping_stretches_become_one_of_the_longest_kind() -> None:
    def one(_: str) -> list[Recognised]:
        return [Recognised("a", Span(0, 3)), Recognised("none", Span(1, 1))]

    def other(_: str) -> list[Recognised]:
        return [Recognised("b", Span(2, 7)), Recognised("c", Span(8, 9))]

    assert recognise("0123456789", [one, other]) == (
        Recognised("b", Span(0, 7)),
        Recognised("c", Span(8, 9)),
    )


@given(st.text(st.sampled_from("0123456789abcdefAKIsk@.:-+() \nDE_=/é\ud800"), max_size=200))
def test_stretches_are_disjoint_in_order_and_redacted_for_good(text: str) -> None:
    found = recognise(text)
    ends = [0, *(f.span.end for f in found)]
    assert all(end <= f.span.start < f.span.end for end, f in zip(ends, found, strict=False))
    assert ends[-1] <= len(text)
    kept = redact(text)
    assert len(kept) == len(text) + sum(
        len(f.kind) + 2 - (f.span.end - f.span.start) for f in found
    )


def test_recognisers_have_names() -> None:
    assert {*BUILT_IN, "presidio"} <= set(available())
    assert len(load()) == len(BUILT_IN)
    [cards] = load(["card"])
    assert redact("jane@example.org 4111111111111111", [cards]) == "jane@example.org [CARD]"
    with pytest.raises(UnknownRecogniser, match="no recogniser is named 'emial'") as caught:
        load(["emial"])
    assert caught.value.__notes__ == ["Did you mean 'email'?"]


def test_a_recogniser_that_fails_is_not_one_that_found_nothing() -> None:
    def broken(_: str) -> list[Recognised]:
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        recognise("anything", [broken])


def test_presidio_says_what_it_needs() -> None:
    try:
        import presidio_analyzer  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(MissingExtra, match="Presidio is not installed"):
            recognise("Jane Doe", load(["presidio"]))
    else:
        pytest.skip("Presidio is installed")


def test_an_analyser_of_presidios_is_a_recogniser() -> None:
    @dataclass
    class Result:
        entity_type: str
        start: int
        end: int

    class Analyser:
        def analyze(self, *, text: str, language: str) -> list[Result]:
            assert language == "de"
            return [Result("PERSON", 0, text.index(" "))]

    assert redact("Rosalind spricht", [recogniser(Analyser(), "de")]) == "[PERSON] spricht"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("no_such_module:found", "does not load: No module named"),
        ("trustlayer.privacy.contacts:REGIONS", "offers tuple as the recogniser 'mine'"),
    ],
)
def test_an_entry_point_that_is_no_recogniser(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    entry = EntryPoint("mine", value, "trustlayer.recognisers")
    monkeypatch.setattr("trustlayer.privacy.registry.entry_points", lambda group: [entry])
    with pytest.raises(BrokenRecogniser, match=told):
        load(["mine"])


def test_two_packages_cannot_offer_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("mine", f"{name}:found", "trustlayer.recognisers") for name in "ab"]
    monkeypatch.setattr("trustlayer.privacy.registry.entry_points", lambda group: entries)
    with pytest.raises(BrokenRecogniser, match="a:found and b:found"):
        available()
