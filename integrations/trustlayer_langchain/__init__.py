"""trustlayer in LangChain: chains whose answers are examined before they leave.

`trusted(chain, verifier)` is a Runnable like the chain, from its input to an `Answer` that was
accepted or a `Refusal`; `model(chat_model)` makes a model for ``Verifier(models=[...])``.
"""

from trustlayer_langchain.answers import Answer, Refusal
from trustlayer_langchain.inputs import NoQuestion
from trustlayer_langchain.models import model
from trustlayer_langchain.trusted import Trusted, trusted

__all__ = ["Answer", "NoQuestion", "Refusal", "Trusted", "model", "trusted"]
