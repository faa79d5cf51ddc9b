"""A LangChain RAG chain whose answers are examined before anybody reads them."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnablePassthrough

from trustlayer import Verifier, load
from trustlayer_langchain import Answer, trusted

PASSAGES = [
    Document("A ticket costs 120 crowns for adults and 60 crowns for children."),
    Document("The ferry leaves at 9.30 a.m. and 1 p.m.; the crossing takes 35 minutes."),
]
PROMPT = ChatPromptTemplate.from_template("Passages: {context}\n\nQuestion: {question}")


class Shelf(BaseRetriever):
    """Stands for any retriever: what it finds is what answers have to rest on."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        asked = set(query.split())
        return [passage for passage in PASSAGES if asked & set(passage.page_content.split())]


model = FakeListChatModel(  # stands for any chat model
    responses=[
        "A ticket costs 150 crowns for adults.",  # wrong, and revised
        "A ticket costs 120 crowns for adults.",
        "The crossing takes two hours.",  # wrong, and again after its revision
        "The crossing takes 90 minutes.",
    ]
)
question: Runnable[str, str] = RunnablePassthrough()
chain = {"context": Shelf(), "question": question} | PROMPT | model | StrOutputParser()
guide = trusted(chain, Verifier([load("figures")]))

for asked in ("What does a ticket for adults cost", "How long does the crossing take"):
    message = guide.invoke(asked)
    kind = "accepted" if isinstance(message, Answer) else "refused "
    print(f"{kind} after {message.trust['attempts']} attempts: {message.text}")
