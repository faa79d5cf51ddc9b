"""Any client of OpenAI is verified by changing its base URL: here, the official one.

Needs the proxy to run (see config.yaml), and OPENAI_BASE_URL and OPENAI_API_KEY to name it.
"""

from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam

client = OpenAI()
messages: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "The tower is 324 m tall and made of iron."},
    {"role": "user", "content": "How tall is the tower, and of what is it made?"},
]

got = client.chat.completions.with_raw_response.create(model="small", messages=messages)
print(got.headers["x-trustlayer-action"], "-", got.parse().choices[0].message.content)

for chunk in client.chat.completions.create(model="small", messages=messages, stream=True):
    if chunk.choices and chunk.choices[0].delta.content:
        print("passed:", chunk.choices[0].delta.content)
