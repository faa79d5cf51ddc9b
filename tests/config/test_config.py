"""One file makes the verifier; what is wrong with it is told by file, line and key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from trustlayer import Action, Budget, Exchange, Policy, Price, Sampling
from trustlayer.audit import AuditStore
from trustlayer.calibration import Goal, Labelled, calibrate
from trustlayer.config import BadConfig, json_schema, load, read, store_url, verifier
from trustlayer.config.starter import STARTER
from trustlayer.errors import Unreadable
from trustlayer.policy import Strategy

FULL = """\
timeout = 5
concurrency = 2

[detectors.figures]
limit = 0.3

[detectors.quotations]

[detectors.agreement]

[[models]]
name = "small"
model = "tiny"
url = "http://127.0.0.1:1/v1"
key_env = "SMALL_KEY"
price = { tokens_in = 1, tokens_out = 2.5 }
options = { temperature = 0 }

[[models]]
model = "large"
url = "http://127.0.0.1:1/v1"

[policy]
revisions = 2
strategies = ["repair", "revise"]
otherwise = "refuse"
tolerated = ["tool_call"]
cascade = true
clear = { figures = 0.1 }

[budget]
money = 0.5
tokens = 1000
seconds = 30
attempts = 4

[sampling]
count = 3
models = ["large"]

[thrift]
budget = 0.01

[store]
url_env = "STORE"
"""
ENVIRONMENT = {"SMALL_KEY": "sk-very-secret", "STORE": "sqlite:///own.db"}


def _written(text: str, file: str = "trustlayer.toml") -> str:
    Path(file).write_text(text, encoding="utf-8")
    return file


def _made(text: str, environ: dict[str, str]) -> None:
    config = read(_written(text))
    store_url(config, environ)
    verifier(config, environ)


def _problems(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(BadConfig) as caught:
        _made(text, environ or {})
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


def test_everything_in_the_file_is_in_the_verifier() -> None:
    made = load(_written(FULL), ENVIRONMENT)
    assert [d.name for d in made.detectors] == ["figures", "quotations", "agreement"]
    small, large = made.models
    assert (made.timeout, made.concurrency) == (5.0, 2)
    assert made.thrift is not None
    assert made.thrift.budget == 0.01
    assert [getattr(m, "name", None) for m in (small, large)] == ["small", "large"]
    assert getattr(small, "price", None) == Price(1.0, 2.5)
    assert made.policy == Policy(
        limits={"figures": 0.3},
        revisions=2,
        strategies=(Strategy.REPAIR, Strategy.REVISE),
        otherwise=Action.REFUSE,
        tolerated=frozenset({"tool_call"}),
        cascade=True,
        clear={"figures": 0.1},
        budget=Budget(money=0.5, tokens=1000, seconds=30.0, attempts=4),
        sampling=Sampling(count=3, models=(large,)),  # type: ignore[arg-type]
    )
    assert isinstance(made.store, AuditStore)
    assert made.store.url == "sqlite:///own.db"
    assert "sk-very-secret" not in repr(made)
    made.store.close()


def test_the_starter_is_sound_and_examines() -> None:
    made = load(_written(STARTER))
    exchange = Exchange("How tall?", "It is 330 m tall.", ("The tower is 324 m tall.",))
    assert made.verify(exchange).action is Action.HOLD
    assert isinstance(made.store, AuditStore)
    assert [o.answer for o in made.store.recent()] == [None]
    made.store.close()
    everything = STARTER.replace("\n# ", "\n").replace("\n#\n", "\n").replace("# limit", "limit")
    lines = [line for line in everything.splitlines() if "=" in line or line.startswith("[")]
    Path("all.toml").write_text("\n".join(lines), encoding="utf-8")
    assert [t.model for t in read("all.toml").document.models] == ["small-model", "openai:gpt-4o"]


D = "[detectors.figures]\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "trustlayer.toml:1: detectors: found nothing; expected"),
        ("[detectors]", "trustlayer.toml:1: detectors: found a table; expected"),
        (D + "limt = 1", "trustlayer.toml:2: detectors.figures.limt: found an unknown key"),
        (D + "limt = 1", "Did you mean 'limit'?"),
        (D + "limit = 1.5", ":2: detectors.figures.limit: found 1.5 (float); expected less"),
        (D + "limit = nan", ":2: detectors.figures.limit: found nan"),
        (D + 'limit = "low"', ":2: detectors.figures.limit: found 'low'; expected a valid number"),
        (D + "limit = true", ":2: detectors.figures.limit: found True (bool); expected"),
        ("[detectors.figurs]", ":1: detectors.figurs: no detector is named 'figurs'"),
        ("[detectors.figurs]", "Did you mean 'figures'?"),
        (D + "options = { limits = 1 }", ":1: detectors.figures: the detector 'figures'"),
        (D + "[policy]\notherwise = 'holdd'", ":3: policy.otherwise: found 'holdd'; expected"),
        (D + "[policy]\nrevisions = -1", ":3: policy.revisions: found -1 (int)"),
        (D + "[policy]\nrevisions = 1.5", ":3: policy.revisions: found 1.5 (float); expected"),
        (D + "[policy]\nstrategies = []", ":3: policy.strategies: found an array; expected"),
        (D + "[policy]\nstrategies = ['revise',\n'retrieve']", ":4: policy.strategies[2]: found"),
        (D + "[policy]\nclear = { figure = 0.1 }", ":3: policy.clear.figure: found no such"),
        (D + "[policy]\nlimit = 0.1\nclear = { figures = 0.4 }", ":2: policy: clear of figures"),
        (D + "[polcy]\n", ":2: polcy: found an unknown key"),
        (D + "[budget]\nmoney = 0", ":3: budget.money: found 0 (int); expected greater than 0"),
        (D + "[budget]\nseconds = inf", ":3: budget.seconds: found inf (float); expected"),
        (D + "[store]\nurl = 'x'\nurl_env = 'Y'", ":2: store: found both url and url_env"),
        (D + "timeout = 1\n[detectors.figures]", ":3: this is not TOML: Cannot declare"),
        (
            D + "[[models]]\nmodel = 'm'\nurl = 'u'\nprice = { tokens_in = 1 }",
            ":5: models[1].price",
        ),
        (D + "[[models]]\nurl = 'http://a'", ":2: models[1].model: found nothing; expected"),
        (
            D + "[[models]]\nmodel='m'\nurl='u'\n[[models]]\nmodel='m'\nurl='u'",
            ":5: models[2]: fou",
        ),
        (D + "[sampling]\nmodels = ['m']", ":3: sampling.models[1]: found 'm'; expected the name"),
        (
            D + "[certificate]\nfile = 'none.json'",
            ":3: certificate.file: the certificate none.json",
        ),
        ("a = ", "trustlayer.toml:1: this is not TOML"),
        ("a = " + "[" * 3000, "found more levels of nesting"),
        (D + "[[models]]\nmodel = 'nobody:x'", ":2: models[1]: LangChain cannot make the model"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_key(text: str, told: str) -> None:
    assert told in _problems(text)


def test_everything_wrong_is_told_at_once() -> None:
    told = _problems("timeot = 3\n" + D + "limit = 2\n[policy]\nrevison = 1")
    assert [line.split(":")[1] for line in told.splitlines()[:3]] == ["1", "3", "5"]
    assert "Did you mean 'revisions'? (line 5)" in told


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "abc"',
        'key = "abc"',
        'options = { api_key = "abc" }',
        'options = { headers = { Authorization = "abc" } }',
        'options = { note = "sk-abcdefgh12345" }',
        'url = "https://user:abc@models.example/v1"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(line: str) -> None:
    told = _problems(f"{D}[[models]]\nmodel = 'm'\n{line}")
    assert ":4: models[1]." in told
    assert "found a secret; expected none in a file" in told
    assert "_env = " in told
    assert "abc" not in told


def test_a_password_in_the_url_of_the_store_is_refused() -> None:
    told = _problems(D + "[store]\nurl = 'postgresql://me:hush@host/audit'")
    assert ":3: store.url: found a secret" in told
    assert "url_env" in told
    assert "hush" not in told


@pytest.mark.parametrize("form", ["redacted", "hmac"])
def test_the_store_keeps_of_texts_what_the_file_says(form: str) -> None:
    text = f"{D}[store]\nurl = 'sqlite:///own.db'\ntexts = '{form}'\nhmac_key_env = 'KEY'\n"
    made = load(_written(text), {"KEY": "c2l4dGVlbiBieXRlcyBvZiBrZXk="})
    assert isinstance(made.store, AuditStore)
    made.verify(Exchange("Who?", "It is anna.smith@example.org.", ("44",)))
    [kept] = made.store.recent()
    assert "anna" not in str(kept)
    assert ("[EMAIL]" in str(kept)) == (form == "redacted")
    made.store.close()


def test_texts_as_hmac_need_a_key() -> None:
    config = read(_written(f"{D}[store]\nurl = 'sqlite:///own.db'\ntexts = 'hmac'\n"))
    with pytest.raises(BadConfig, match=r":4: store\.texts: texts kept as HMAC need a key"):
        load(config.file, {})


def test_a_variable_that_is_not_set_is_named() -> None:
    told = _problems(FULL, {"STORE": "x"})
    assert ":15: models[1].key_env: found the environment variable SMALL_KEY not set" in told
    assert "export SMALL_KEY=..." in told
    assert verifier(read("trustlayer.toml"), {}, asking=False).models == []
    with pytest.raises(BadConfig, match=r":45: store.url_env: found the environment variable"):
        store_url(read("trustlayer.toml"), {})


def test_files_that_cannot_be_read() -> None:
    with pytest.raises(Unreadable, match=r"no configuration file nowhere\.toml") as caught:
        read("nowhere.toml")
    assert caught.value.__notes__ == ["make one: trustlayer config init --config nowhere.toml"]
    with pytest.raises(Unreadable, match="cannot be read"):
        read(".")
    Path("latin.toml").write_bytes(b"[detectors.figures]\n# caf\xe9\n")
    with pytest.raises(BadConfig, match=r"latin\.toml:2: found the byte 0xe9; expected text"):
        read("latin.toml")
    Path("marked.toml").write_bytes(b"\xef\xbb\xbf[detectors.figures]\n")
    assert list(read("marked.toml").document.detectors) == ["figures"]


def test_a_certificate_gives_the_limits() -> None:
    made = verifier(read(_written(D)))
    versions = {d.name: str(getattr(d, "version", "0")) for d in made.detectors}
    labelled = [Labelled({"figures": (n % 8 == 0) * 0.9}, n % 8 == 0) for n in range(400)]
    issued = calibrate(labelled, versions, Goal(0.1, 0.9))
    Path("cert.json").write_text(issued.to_json(), encoding="utf-8")
    text = D + "[certificate]\nfile = 'cert.json'\n"
    certified = verifier(read(_written(text)))
    assert certified.policy.certificate == issued
    sound = Exchange("", "It is 324 m tall.", ("It is 324 m tall.",))
    assert certified.verify(sound).action is Action.ACCEPT
    assert ":3: certificate: found limits beside" in _problems(
        text.replace("]\n", "]\nlimit=1\n", 1)
    )
    assert ":2: certificate: " in _problems(text + "group = 'x'")
    tolerant = text + "[policy]\ntolerated = ['figures']"
    assert "a certified detector cannot be tolerated" in _problems(tolerant)
    Path("cert.json").write_text("{}", encoding="utf-8")
    assert ":3: certificate.file: this is no certificate" in _problems(text)


def test_a_detector_must_answer_to_its_name(install: Callable[..., Path]) -> None:
    source = """
from trustlayer import Finding, detector

@detector
def loud(exchange): return Finding(0.0)
"""
    install(source, loud="loud", quiet="loud")
    assert verifier(read(_written("[detectors.loud]"))).detectors[0].name == "loud"
    told = _problems("[detectors.quiet]")
    assert "found a detector that calls itself 'loud'; expected 'quiet'" in told


def test_langchain_makes_the_models_that_have_no_url() -> None:
    pytest.importorskip("langchain_openai", reason="needs the extra openai")
    text = D + "[[models]]\nmodel = 'openai:gpt-x'\nname = 'cloud'\nkey_env = 'K'\n"
    [model] = verifier(read(_written(text)), {"K": "sk-very-secret"}).models
    assert getattr(model, "name", None) == "cloud"
    assert "very-secret" not in repr(model)


def test_a_package_that_is_missing_is_named() -> None:
    told = _problems(D + "[[models]]\nmodel = 'groq:some-model'")
    assert "pip install langchain-groq" in told


def test_the_schema_for_editors_says_what_the_reader_says() -> None:
    import tomllib

    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    editor = Draft202012Validator(schema)
    assert list(editor.iter_errors(tomllib.loads(FULL))) == []
    assert list(editor.iter_errors(tomllib.loads(STARTER))) == []
    assert [e.json_path for e in editor.iter_errors({"detectors": {"figures": {"limt": 1}}})]
    assert "retrieve" not in json.dumps(schema)


def test_a_verifier_of_a_configuration_is_like_any_other() -> None:
    made = verifier(read(_written(FULL)), ENVIRONMENT)
    asked = replace(made, models=[lambda request: "It is 324 m tall."], thrift=None)
    policy = replace(asked.policy, sampling=None, tolerated=frozenset({"agreement"}))
    outcome = replace(asked, policy=policy).run("How tall?", ["The tower is 324 m tall."])
    assert outcome.answer == "It is 324 m tall."
