"""``trustlayer config``, and the commands that a configuration speaks to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from trustlayer.cli import app

CONFIG = """\
timeout = 7.0
[detectors.figures]
limit = 0.9999
[detectors.quotations]
[[models]]
model = "tiny"
url = "http://127.0.0.1:1/v1"
key_env = "TINY_KEY"
[store]
url = "sqlite:///own.db"
"""
WRONG = ["--answer", "It is 330 m.", "--context", "page.txt"]


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINY_KEY", "sk-very-secret")
    Path("page.txt").write_text("It is 324 m tall.")
    path = Path("trustlayer.toml")
    path.write_text(CONFIG)
    return path


def test_a_new_file_is_written_and_sound() -> None:
    assert run("config", "init").exit_code == 0
    again = run("config", "init")
    assert (again.exit_code, "--force" in again.output) == (2, True)
    assert run("config", "init", "--force").exit_code == 0
    checked = run("config", "check")
    assert checked.exit_code == 0
    assert "trustlayer.toml is sound: detectors figures, quotations, grounding" in checked.output
    assert run("config", "init", "--config", "other.toml").exit_code == 0
    assert Path("other.toml").is_file()


def test_check_tells_what_is_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "models tiny; store sqlite:///own.db" in run("config", "check").output
    monkeypatch.delenv("TINY_KEY")
    done = run("config", "check")
    assert done.exit_code == 1
    assert "trustlayer.toml:8: models[1].key_env: found the environment" in done.output
    assert run("config", "check", "--config", "nowhere.toml").exit_code == 1


def test_show_tells_every_setting_and_no_secret(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run("config", "show").output
    for line in (
        "detectors.figures.limit = 0.9999",
        "detectors.quotations.limit = 0.4",  # the detector's own
        'models[1].key_env = "TINY_KEY"  # set',
        "policy.revisions = 1",
        "timeout = 7.0",
    ):
        assert line in shown.splitlines()
    assert "sk-very-secret" not in shown
    monkeypatch.delenv("TINY_KEY")
    assert 'models[1].key_env = "TINY_KEY"  # not set' in run("config", "show").output
    told = json.loads(run("config", "show", "--json").output)
    assert told["models"][0]["key_env"] == "TINY_KEY"


def test_the_schema_is_printed() -> None:
    assert json.loads(run("config", "schema").output)["title"] == "trustlayer.toml"


def test_verify_works_by_the_file_in_the_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINY_KEY")  # nobody is asked: no key is needed
    told = json.loads(run("verify", *WRONG, "--json").output)
    assert told["limits"] == {"figures": 0.9999, "quotations": pytest.approx(0.4)}
    assert told["db"] == "sqlite:///own.db"
    assert Path("own.db").exists()
    assert told["id"] in run("show", told["id"]).output  # of the same store
    assert not Path("trustlayer.db").exists()


def test_options_come_before_the_file(file: Path) -> None:
    options = ["--detector", "figures", "--limit", "figures=0.2", "--db", "sqlite:///mine.db"]
    done = run("verify", *WRONG, "--json", "--timeout", "9", *options)
    told = json.loads(done.output)
    assert (done.exit_code, told["limits"]) == (3, {"figures": 0.2})
    assert Path("mine.db").exists()
    assert not Path("own.db").exists()
    file.rename("elsewhere.toml")
    told = json.loads(run("verify", *WRONG, "--json", "--config", "elsewhere.toml").output)
    assert told["limits"]["figures"] == 0.9999


def test_a_file_that_is_wrong_stops_every_command(file: Path) -> None:
    file.write_text(CONFIG + "[detector]\n")
    for command in (["verify", *WRONG], ["report"], ["examine", "-"]):
        done = run(*command)
        assert done.exit_code == 1
        assert "trustlayer.toml:11: detector: found an unknown key" in done.output
        assert "Did you mean 'detectors'?" in done.output


def test_examine_works_by_the_file(file: Path) -> None:
    Path("answers.jsonl").write_text('{"answer": "It is 330 m.", "context": "It is 324 m."}\n')
    found = json.loads(run("examine", "answers.jsonl").stdout)["findings"]
    assert list(found) == ["figures", "quotations"]
    found = json.loads(run("examine", "answers.jsonl", "-d", "quotations").stdout)["findings"]
    assert list(found) == ["quotations"]


def test_certified_limits_are_not_changed_by_hand(file: Path) -> None:
    from trustlayer.calibration import Goal, Labelled, calibrate

    labels = [Labelled({"figures": (n % 8 == 0) * 0.9}, n % 8 == 0) for n in range(400)]
    issued = calibrate(labels, {"figures": "1"}, Goal(0.1, 0.9))
    Path("cert.json").write_text(issued.to_json())
    file.write_text("[detectors.figures]\n[certificate]\nfile = 'cert.json'\n")
    done = run("verify", *WRONG, "--limit", "figures=0.9")
    assert (done.exit_code, "are certified" in done.output) == (2, True)
