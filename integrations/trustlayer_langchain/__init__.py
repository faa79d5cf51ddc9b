"""trustlayer in LangChain: chains whose answers are examined before they leave.

`trusted(chain, verifier)` is a Runnable like the chain, from its input to an `Answer` that was
accepted or a `Refusal`; `live(chain, verifier)` streams one, sentence by sentence;
`verify(verifier)` is a step that only examines; `model(chat_model)` makes a model for
``Verifier(models=[...])``; `TrustedChatModel` goes where a chat model is expected; `Audit` is a
callback that only records. `Vault` keeps personal data from a model.
"""

from trustlayer_langchain.answers import Answer, Refusal
from trustlayer_langchain.audit import Audit
from trustlayer_langchain.chat import TrustedChatModel
from trustlayer_langchain.inputs import NoQuestion
from trustlayer_langchain.live import Live, live
from trustlayer_langchain.models import model
from trustlayer_langchain.structured import Refused
from trustlayer_langchain.trusted import Trusted, trusted
from trustlayer_langchain.vault import Leak, Vault
from trustlayer_langchain.verify import verify

__all__ = [
    "Answer",
    "Audit",
    "Leak",
    "Live",
    "NoQuestion",
    "Refusal",
    "Refused",
    "Trusted",
    "TrustedChatModel",
    "Vault",
    "live",
    "model",
    "trusted",
    "verify",
]
