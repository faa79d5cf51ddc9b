"""From a configuration to the `Verifier` that it describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, TypeVar

from trustlayer.budget import Budget
from trustlayer.certificate import Certificate
from trustlayer.config.ladder import made
from trustlayer.config.places import Path
from trustlayer.config.problems import BadConfig
from trustlayer.config.reading import Config
from trustlayer.errors import TrustlayerError, Unreadable
from trustlayer.finding import Detector
from trustlayer.model import Model
from trustlayer.policy import Action, Policy, Strategy
from trustlayer.registry import load
from trustlayer.sampling import SAMPLED, Sampling
from trustlayer.thrift import Thrift
from trustlayer.verifier import Verifier

if TYPE_CHECKING:
    from trustlayer.audit.texts import Texts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Building:
    """*environ* is where keys and the store's URL are looked up."""

    config: Config
    environ: Mapping[str, str]

    def verifier(self, *, asking: bool = True) -> Verifier:
        """The verifier, without its store; raises BadConfig for what is not to be had.

        One that only examines what is given, not *asking*, has no models and needs no keys.
        """
        detectors, models = self.detectors(), self.models() if asking else []
        document = self.config.document
        policy = self.policy(detectors, self._sampling(models) if asking else None)
        thrift = None if document.thrift is None else Thrift(document.thrift.budget)
        return Verifier(
            detectors,
            models,
            policy,
            timeout=document.timeout,
            concurrency=document.concurrency,
            thrift=thrift,
        )

    def detectors(self) -> list[Detector]:
        return [self._detector(name) for name in self.config.document.detectors]

    def _detector(self, name: str) -> Detector:
        path: Path = ("detectors", name)
        table = self.config.document.detectors[name]
        found = self._at(path, lambda: load(name, **table.options))
        if found.name != name:
            told = f"found a detector that calls itself {found.name!r}; expected {name!r}"
            raise self.config.problem(path, told)
        return found

    def models(self) -> list[Model]:
        tables = self.config.document.models
        models: list[Model] = []
        for number, table in enumerate(tables):
            path: Path = ("models", number)
            key = self.secret((*path, "key_env"), table.key_env)
            model = self._at(path, partial(made, table, key))
            if any(model.name == other.name for other in models):
                told = f"found the name {model.name!r} a second time; expected names to differ"
                raise self.config.problem(path, told, 'give it another one: name = "..."')
            models.append(model)
        return models

    def policy(self, detectors: list[Detector], sampling: Sampling | None) -> Policy:
        document = self.config.document
        table = document.policy
        limits = {n: d.limit for n, d in document.detectors.items() if d.limit is not None}
        self._expect_known("clear", table.clear, detectors)
        options: dict[str, Any] = {
            "revisions": table.revisions,
            "strategies": tuple(map(Strategy, table.strategies)),
            "otherwise": Action(table.otherwise),
            "tolerated": frozenset(table.tolerated),
            "cascade": table.cascade,
            "clear": table.clear,
            "sampling": sampling,
            "budget": Budget(**document.budget.model_dump()),
        }
        if document.certificate is not None:
            return self._certified(limits, options)
        return self._at(
            ("policy",), lambda: Policy(limit=table.limit, limits=limits, **options), ValueError
        )

    def _certified(self, limits: Mapping[str, float], options: Mapping[str, Any]) -> Policy:
        table = self.config.document.certificate
        assert table is not None
        path: Path = ("certificate",)
        if limits or self.config.document.policy.limit is not None:
            told = "found limits beside a certificate; expected those of the certificate alone"
            raise self.config.problem(path, told)
        file = self.config.file.parent / table.file
        certificate = self._at((*path, "file"), lambda: _certificate(file))

        def policy() -> Policy:
            return Policy.certified(certificate, table.group, alarms=table.alarms, **options)

        return self._at(path, policy, ValueError)

    def _sampling(self, models: list[Model]) -> Sampling | None:
        table = self.config.document.sampling
        if table is None:
            return None
        known = {model.name: model for model in models}
        for number, name in enumerate(table.models):
            if name not in known:
                told = f"found {name!r}; expected the name of one of [[models]]: {', '.join(known)}"
                raise self.config.problem(("sampling", "models", number), told)
        serves = SAMPLED if table.serves is None else frozenset(table.serves)
        asked = tuple(known[name] for name in table.models)
        return Sampling(count=table.count, clear=table.clear, serves=serves, models=asked)

    def _expect_known(self, key: str, names: Mapping[str, Any], detectors: list[Detector]) -> None:
        known = [detector.name for detector in detectors]
        for name in names:
            if name not in known:
                told = f"found no such detector; expected one of {', '.join(known)}"
                raise self.config.problem(("policy", key, name), told)

    def store_url(self) -> str | None:
        """The URL of the audit store, if one is configured; it may hold a password."""
        table = self.config.document.store
        if table.url is not None and table.url_env is not None:
            told = "found both url and url_env; expected one of them"
            raise self.config.problem(("store",), told)
        return table.url or self.secret(("store", "url_env"), table.url_env)

    def texts(self) -> Texts | None:
        """What the store keeps of texts; None where the environment is to say it."""
        table = self.config.document.store
        if table.texts is None:
            return None
        from trustlayer.audit.texts import KEY_VARIABLE, VARIABLE, Texts

        held = {VARIABLE: table.texts, KEY_VARIABLE: self.environ.get(table.hmac_key_env, "")}
        return self._at(("store", "texts"), partial(Texts.from_environment, held))

    def secret(self, path: Path, variable: str | None) -> str | None:
        """What the environment *variable* holds; raises BadConfig where it is not set."""
        if variable is None:
            return None
        if value := self.environ.get(variable):
            return value
        told = f"found the environment variable {variable} not set; expected a value in it"
        raise self.config.problem(path, told, f"set it: export {variable}=...")

    def _at(self, path: Path, make: Callable[[], T], *also: type[Exception]) -> T:
        """What *make* makes; its foreseen errors, and *also* these, tell of the line of *path*."""
        foreseen: tuple[type[Exception], ...] = (TrustlayerError, *also)
        try:
            return make()
        except BadConfig:
            raise
        except foreseen as error:
            advice = "; ".join(getattr(error, "__notes__", ()))
            raise self.config.problem(path, str(error), advice) from error


def _certificate(file: File) -> Certificate:
    try:
        return Certificate.from_json(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problem = Unreadable(f"the certificate {file} cannot be read: {error}")
        problem.add_note("make one: trustlayer calibrate LABELS.jsonl --output CERTIFICATE.json")
        raise problem from error
