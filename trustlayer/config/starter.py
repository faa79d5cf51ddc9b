"""The file that ``trustlayer config init`` writes."""

STARTER = """\
# trustlayer.toml: what examines, who is asked, and what is done about it.
# `trustlayer config check` tells what is wrong with it, by line; keys and passwords
# stay in environment variables, of which only the names stand here.

[detectors.figures]     # numbers, dates, money that the context does not carry

[detectors.quotations]  # quotes and citations that point nowhere

[detectors.grounding]   # what the context does not support
# limit = 0.5           # the risk up to which an answer is sound; the detector's own by default

[policy]
revisions = 1           # second tries granted to each model
otherwise = "hold"      # what becomes of an answer that nobody got right: "hold" or "refuse"
# tolerated = ["tool_call"]  # what may stay unexamined

# The ladder: the first is asked first. Without models, given answers are examined all the same.
# [[models]]
# name = "small"
# url = "http://127.0.0.1:8080/v1"    # any service that speaks OpenAI's chat completions
# model = "small-model"
# key_env = "SMALL_MODEL_KEY"         # the environment variable that holds its key
# price = { tokens_in = 0.15, tokens_out = 0.60 }  # of a million tokens
#
# [[models]]
# name = "large"
# model = "openai:gpt-4o"             # without a url: as LangChain's init_chat_model knows it
# price = { tokens_in = 2.50, tokens_out = 10.00 }

# [budget]
# money = 0.05
# seconds = 30

[store]
url = "sqlite:///trustlayer.db"       # url_env = "TRUSTLAYER_DB" for one with a password
# texts = "redacted"                  # what is kept of texts: "full", "redacted" or "hmac"
"""
