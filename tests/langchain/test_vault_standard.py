"""LangChain's own standard tests of chat models, on `Vault`."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

pytest.importorskip("langchain_tests", reason="needs langchain-tests, of the extra dev")

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.langchain.obliging import Obliging
from trustlayer_langchain import Vault

pytestmark = [
    pytest.mark.filterwarnings("ignore:Benchmarks are automatically disabled"),
    pytest.mark.filterwarnings("ignore:.*v3.*is in beta"),
    pytest.mark.filterwarnings("ignore:.*experimental"),
]


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Vault

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"bound": Obliging()}


class TestIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return Vault

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"bound": Obliging()}
