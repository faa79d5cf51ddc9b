"""Personal data stays here: the cloud model is asked with placeholders, and never sees it."""

from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate

from trustlayer import Verifier, load
from trustlayer.privacy.placeholders import placeholders
from trustlayer_langchain import Leak, Vault, trusted

cloud = FakeListChatModel(  # stands for your cloud model; this is all that it ever reads of them
    responses=["Write to [EMAIL_2], she is 45.", "Write to [EMAIL_1], she is 44."]
)
prompt = ChatPromptTemplate.from_template("{passages}\n\n{question}")
verifier = Verifier([load("figures"), placeholders])
chain = trusted(prompt | Vault(cloud), verifier, context="passages")

passages = "Anna is 44 years old. Her address is anna.smith@example.org."
answer = chain.invoke({"question": "Whom do I write to?", "passages": passages})
print(answer.content)

assert answer.outcome is not None
first = answer.outcome.verdicts[0]
for evidence in first.findings["placeholders"].evidence:
    text = evidence.span.of(first.exchange.answer) if evidence.span else ""
    print(f"rejected before: {text}, {evidence.reason}")

try:  # what cannot be looked through does not leave
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    Vault(cloud).invoke([("human", [image])])
except Leak as leak:
    print(leak)
