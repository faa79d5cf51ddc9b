"""A local causal model tells its probabilities: shown with one of a few random weights."""

from __future__ import annotations

from math import exp
from pathlib import Path

import pytest

from trustlayer import Exchange, Finding, Request
from trustlayer.errors import MissingExtra
from trustlayer_detectors.uncertainty import AskedTruth, CausalModel, Confidence

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A language model with a vocabulary of a dozen words."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<s>", "</s>", "Where", "is", "it", "?", "Oslo", "Bergen", "True", "False", "."]
    path: Path = tmp_path_factory.mktemp("causal")
    cut = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="<s>"))
    cut.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=cut, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    fast.save_pretrained(path)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return str(path)


def test_each_token_comes_with_its_probability_and_alternatives(folder: str) -> None:
    reply = CausalModel(folder, longest=6, alternatives=3)(Request("Where is it ?"))
    assert reply.tokens
    assert reply.text == "".join(token.text for token in reply.tokens).strip()
    assert reply.tokens_in == 4
    for token in reply.tokens:
        assert len(token.alternatives) == 3
        assert token.logprob == pytest.approx(max(token.alternatives))  # it is greedy
        assert sum(map(exp, token.alternatives)) <= 1.0 + 1e-6


def test_it_answers_greedily_or_not(folder: str) -> None:
    greedy = CausalModel(folder, longest=8)
    assert greedy(Request("it")).text == greedy(Request("it")).text
    torch.manual_seed(0)
    warm = CausalModel(folder, temperature=2.0, longest=8)
    assert len({warm(Request("it")).text for _ in range(6)}) > 1


def test_it_serves_the_detectors(folder: str) -> None:
    local = CausalModel(folder, longest=4)
    reply = local(Request("Where is it ?"))
    exchange = Exchange("Where is it ?", reply.text, logprobs=reply.likelihoods)
    [finding] = Confidence().examine([exchange])
    assert isinstance(finding, Finding)
    assert finding.risk > 0.5  # random weights know nothing
    [asked] = AskedTruth(local.named("tiny")).examine([exchange])
    assert asked is not None


def test_a_local_model_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match="needs torch and transformers") as caught:
        CausalModel("not/there")(Request("it"))
    assert "pip install 'trustlayer[models]'" in caught.value.__notes__
