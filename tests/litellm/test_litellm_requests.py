"""What a request to the proxy asks, and what of its metadata is ours."""

from __future__ import annotations

from typing import Any

import pytest

from trustlayer import Request
from trustlayer_litellm.requests import BadMetadata, Own, asked, prompts, taken


def test_ours_is_taken_out_of_every_copy() -> None:
    own = {"context": "one", "correlation": {"case": "7"}}
    body: dict[str, Any] = {
        "metadata": {"trustlayer": own, "requester_metadata": {"trustlayer": own, "kept": 1}},
        "litellm_metadata": {"kept": 2},
    }
    assert taken(body) == Own(("one",), (("case", "7"),))
    assert body["metadata"] == {"requester_metadata": {"kept": 1}}
    assert body["litellm_metadata"] == {"kept": 2}
    assert taken(body) == Own()
    assert taken({"metadata": {"trustlayer": '{"context": ["a", "b"]}'}}).context == ("a", "b")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "a text that is not JSON"),
        ([1], "found list; expected an object"),
        ({"contxt": "a"}, "found contxt; expected context or correlation"),
        ({"context": [1]}, "expected a text or a list of texts"),
        ({"context": {"a": "b"}}, "expected a text or a list of texts"),
        ({"correlation": ["a"]}, "correlation: expected an object of texts"),
        ({"correlation": {"a": 1}}, "correlation: expected an object of texts"),
    ],
)
def test_what_is_not_as_it_has_to_be_is_told(given: Any, told: str) -> None:
    with pytest.raises(BadMetadata, match=told):
        taken({"metadata": {"trustlayer": given}})


MESSAGES = [
    {"role": "developer", "content": "Answer from this: 324 m."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": None, "tool_calls": [{}]},
    {"role": "tool", "content": [{"type": "text", "text": "It is iron."}]},
    {"role": "user", "content": ["How tall,", {"type": "text", "text": "and of what?"}]},
]


def test_passages_are_what_system_and_tools_say() -> None:
    body = {"messages": MESSAGES, "litellm_call_id": "c-1"}
    found = asked(body, Own(None, (("case", "7"),)))
    passages = ("Answer from this: 324 m.", "It is iron.")
    assert found.request == Request("How tall,\nand of what?", passages)
    assert found.correlation == {"case": "7", "litellm_call_id": "c-1"}
    assert asked(body, Own(("mine",))).request.context == ("mine", "It is iron.")
    everyone = asked(body, Own(), ["system", "tool", "user"]).request.context
    assert everyone[1] == "Hello"
    assert asked({}, Own()).request == Request("")


def test_parts_that_are_no_text_are_declared() -> None:
    parts = [{"type": kind} for kind in ("text", "image_url", "input_audio", "file", "image_url")]
    found = asked({"messages": [{"role": "user", "content": parts}]}, Own())
    assert [declared.detector for declared in found.unexamined] == ["image", "audio", "file"]


def test_prompts_of_text_completions() -> None:
    assert [one.request.prompt for one in prompts({"prompt": "a"}, Own())] == ["a"]
    several = prompts({"prompt": ["a", [1, 2]]}, Own(("p",)))
    assert several[0].request == Request("a", ("p",))
    assert [u.detector for u in several[1].unexamined] == ["tokens"]
