"""LangChain's own standard tests of chat models, on `TrustedChatModel`."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel

pytest.importorskip("langchain_tests", reason="needs langchain-tests, of the extra dev")

from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from tests.langchain.obliging import Obliging
from trustlayer import Finding, Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import TrustedChatModel

pytestmark = [
    pytest.mark.filterwarnings("ignore:Benchmarks are automatically disabled"),
    pytest.mark.filterwarnings("ignore:.*v3.*is in beta"),
    pytest.mark.filterwarnings("ignore:.*experimental"),
]
LENIENT = Verifier([FunctionDetector(lambda exchange: Finding(0.0), "lenient")])


class TestUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return TrustedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": Obliging(), "verifier": LENIENT}


class TestIntegration(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return TrustedChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": Obliging(), "verifier": LENIENT}

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return True

    @property
    def model_override_value(self) -> str:
        return "obliging-2"

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True
