"""Models of the user's choice: the same numbers as the reference code, on the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trustlayer import Exchange, Finding, Span, Unexamined
from trustlayer.errors import BrokenDetector
from trustlayer_detectors.hub import Guard, Head, Pair, Text, Tokens, TransformersDetector

torch = pytest.importorskip("torch", reason="needs the extra 'models'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'models'")

CONTEXT = "the tower is 324 metres tall and made of iron . it stands in the park ."
ANSWERS = ["the tower is 324 metres tall .", "it is made of wood and stands in the sea .", "iron"]
EXCHANGES = [Exchange("how tall is it ?", answer, (CONTEXT,)) for answer in ANSWERS]
WORDS = sorted({word for text in [CONTEXT, *ANSWERS, "how ? yes no"] for word in text.split()})
CLOSE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def _tokenizer(longest: int) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=longest,
    )


def _saved(folder: Path, kind: str, labels: list[str], longest: int = 64) -> str:
    path = folder / "-".join([kind, *labels, str(longest)])
    if not path.exists():
        torch.manual_seed(1)
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        config = transformers.BertConfig(
            vocab_size=len(WORDS) + 4,
            intermediate_size=64,
            max_position_embeddings=longest,
            initializer_range=0.6,  # so that the probabilities differ
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
            **sizes,
        )
        getattr(transformers, kind)(config).save_pretrained(path)
        _tokenizer(longest).save_pretrained(path)
    return str(path)


def _risks(model: str, head: Head, exchanges: list[Exchange] = EXCHANGES) -> list[float]:
    found = TransformersDetector(model=model, head=head, device="cpu").examine(exchanges)
    assert all(isinstance(f, Finding) for f in found), found
    return [f.risk for f in found if isinstance(f, Finding)]


@pytest.mark.parametrize("exclusive", [True, False])
def test_text_agrees_with_the_pipeline(folder: Path, exclusive: bool) -> None:
    model = _saved(folder, "BertForSequenceClassification", ["fine", "toxic", "insult"])
    pipeline = transformers.pipeline("text-classification", model=model, device="cpu")
    function = "softmax" if exclusive else "sigmoid"
    rows = [pipeline(a, top_k=None, function_to_apply=function) for a in ANSWERS]
    expected = [max(e["score"] for e in row if e["label"] != "fine") for row in rows]
    head = Text(("toxic", "insult"), exclusive=exclusive)
    assert _risks(model, head) == pytest.approx(expected, abs=CLOSE)


def test_pair_agrees_with_the_pipeline_and_the_cross_encoder(folder: Path) -> None:
    model = _saved(folder, "BertForSequenceClassification", ["entail", "neutral", "contradict"])
    pipeline = transformers.pipeline("text-classification", model=model, device="cpu")
    rows = [pipeline({"text": CONTEXT, "text_pair": a}, top_k=None) for a in ANSWERS]
    expected = [1 - next(e["score"] for e in row if e["label"] == "entail") for row in rows]
    risks = _risks(model, Pair(("neutral", "contradict")))
    assert risks == pytest.approx(expected, abs=CLOSE)


def test_a_single_output_is_the_probability_of_support(folder: Path) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = _saved(folder, "BertForSequenceClassification", ["supported"])
    encoder = sentence_transformers.CrossEncoder(model, device="cpu", local_files_only=True)
    support = encoder.predict([(CONTEXT, a) for a in ANSWERS], activation_fn=torch.nn.Sigmoid())
    assert _risks(model, Pair()) == pytest.approx([1 - s for s in support.tolist()], abs=CLOSE)
    assert _risks(model, Pair(("supported",))) == pytest.approx(support.tolist(), abs=CLOSE)


def _lettuce(model: str, answer: str) -> list[tuple[int, int]]:
    """The spans as LettuceDetect finds them: argmax, then runs of unsound tokens."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    network = transformers.AutoModelForTokenClassification.from_pretrained(model).eval()
    encoded = tokenizer(CONTEXT, answer, return_offsets_mapping=True, return_tensors="pt")
    offsets = encoded.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        unsound = network(**encoded).logits[0].argmax(-1).tolist()
    spans: list[tuple[int, int]] = []
    before = 0
    for place, (start, end) in enumerate(offsets):
        if encoded.sequence_ids(0)[place] != 1:
            continue
        if unsound[place] and before:
            spans[-1] = (spans[-1][0], end)
        elif unsound[place]:
            spans.append((start, end))
        before = unsound[place]
    return spans


def test_tokens_agree_with_lettucedetects_reading(folder: Path) -> None:
    model = _saved(folder, "BertForTokenClassification", ["sound", "unsound"])
    detector = TransformersDetector(model=model, head=Tokens(("unsound",), template="{context}"))
    found = detector.examine(EXCHANGES)
    expected = [_lettuce(model, answer) for answer in ANSWERS]
    spans = [
        [(e.span.start, e.span.end) for e in f.evidence if e.span]
        for f in found
        if isinstance(f, Finding)
    ]
    assert spans == expected
    assert any(expected)


def test_a_guard_is_read_from_one_forward_pass(folder: Path) -> None:
    path = folder / "guard"
    torch.manual_seed(5)
    config = transformers.GPT2Config(vocab_size=len(WORDS) + 4, n_embd=32, n_layer=2, n_head=2)
    transformers.GPT2LMHeadModel(config).save_pretrained(path)
    _tokenizer(256).save_pretrained(path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    network = transformers.AutoModelForCausalLM.from_pretrained(path).eval()
    expected: list[float] = []
    for exchange in EXCHANGES:
        encoded = tokenizer(f"{exchange.prompt} {exchange.answer} ?", return_tensors="pt")
        encoded.pop("token_type_ids", None)
        made = network.generate(
            **encoded,
            max_new_tokens=1,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
            pad_token_id=0,
        )
        both = made.scores[0][0][tokenizer.convert_tokens_to_ids(["yes", "no"])].softmax(-1)
        expected.append(float(both[0]))
    head = Guard("yes", "no", template="{prompt} {answer} ?")
    assert _risks(str(path), head) == pytest.approx(expected, abs=CLOSE)
    with pytest.raises(BrokenDetector, match="'yes no' is 2 tokens"):
        _risks(str(path), Guard("yes no", "no"))


def test_support_in_any_window_of_a_long_context_is_support(folder: Path) -> None:
    model = _saved(folder, "BertForSequenceClassification", ["entail", "neutral", "contradict"])
    head = Pair(("neutral", "contradict"))
    long = Exchange("", ANSWERS[0], (" ".join([CONTEXT, *["park ."] * 200]),))
    own = Exchange("", ANSWERS[0], (" ".join(long.context[0].split()[:40]),))
    [whole], [part] = _risks(model, head, [long]), _risks(model, head, [own])
    assert whole <= part + CLOSE


def test_what_the_model_cannot_read_is_unexamined(folder: Path) -> None:
    model = _saved(folder, "BertForSequenceClassification", ["entail", "neutral", "contradict"])
    detector = TransformersDetector(model=model, head=Pair(("neutral",)), name="nli")
    found = detector.examine(
        [
            Exchange("", " ", (CONTEXT,)),
            Exchange("", "iron"),
            Exchange("", "iron " * 100, (CONTEXT,)),
            EXCHANGES[0],
        ]
    )
    reasons = [f.reason for f in found if isinstance(f, Unexamined)]
    assert reasons[:2] == ["empty answer", "no context to examine the answer with"]
    assert "longer than the model can read" in reasons[2]
    assert isinstance(found[3], Finding)


def test_braces_in_the_texts_mean_nothing(folder: Path) -> None:
    from trustlayer_detectors.hub.reading import laid_out

    exchange = Exchange("{answer}", "{context} {", ("{prompt}",))
    assert (
        laid_out("{context}|{prompt}|{answer}|{x}", exchange) == "{prompt}|{answer}|{context} {|{x}"
    )


def test_wrong_models_and_labels_are_named(folder: Path) -> None:
    model = _saved(folder, "BertForSequenceClassification", ["fine", "toxic", "insult"])
    with pytest.raises(BrokenDetector, match=r"no label \['rude'\]; it has: fine, toxic, insult"):
        _risks(model, Text(("rude",)))
    with pytest.raises(BrokenDetector, match="does not load") as caught:
        _risks("nobody/nothing", Text(("toxic",)))
    assert "local_files_only=False" in caught.value.__notes__[0]


def test_a_span_is_evidence_in_characters(folder: Path) -> None:
    model = _saved(folder, "BertForTokenClassification", ["sound", "unsound"])
    head = Tokens(("unsound",), template="{context}", threshold=0.0)
    [found] = TransformersDetector(model=model, head=head).examine(EXCHANGES[:1])
    assert isinstance(found, Finding)
    assert [e.span for e in found.evidence] == [Span(0, len(ANSWERS[0]))]
