"""An agent whose answers have to rest on what its tools found; a held one waits for a person.

Needs an extra: pip install 'trustlayer[langchain]'
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# The types of create_agent are partly unknown.

from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from trustlayer import Verifier, load
from trustlayer_langchain.agents import TrustMiddleware


@tool
def measure(what: str) -> str:
    """Measure something."""
    return f"The {what} is 43 metres tall."


class Cloud(GenericFakeChatModel):
    """Stands for any chat model that calls tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


call = ToolCall(name="measure", args={"what": "tower"}, id="1", type="tool_call")
model = Cloud(
    messages=iter(
        [
            AIMessage("", tool_calls=[call]),
            AIMessage("The tower is 47 metres tall."),  # wrong, and again after its revision
            AIMessage("The tower is 48 metres tall."),
        ]
    )
)
agent = create_agent(
    model,
    [measure],
    middleware=[TrustMiddleware(Verifier([load("figures")]))],
    checkpointer=InMemorySaver(),
)
thread = RunnableConfig(configurable={"thread_id": "1"})

state: dict[str, Any] = agent.invoke({"messages": [HumanMessage("How tall is it?")]}, thread)
review = state["__interrupt__"][0].value
print("held:", {name: f"{risk:.2f}" for name, risk in review["risks"].items()})

# Later, perhaps in another process: a person has looked at it. No model is asked again.
state = agent.invoke(Command(resume={"text": "The tower is 43 metres tall."}), thread)
print("answered:", state["messages"][-1].text)
