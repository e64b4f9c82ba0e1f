"""Requests to the emulated model, put together as the service does it."""

from typing import Any

import httpx

from services.prompts.inputs import data_block

NONCE = "9f2c41d07b8e4a5c"

DEBRIEF_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "debrief", "strict": True, "schema": {"type": "object"}},
}


def messages(**blocks: str) -> list[dict[str, str]]:
    """A constant system message, and one user message with a fenced block for each keyword."""
    fenced = [data_block(NONCE, kind, text) for kind, text in blocks.items()]
    return [
        {"role": "system", "content": "Help the interviewer."},
        {"role": "user", "content": "\n\n".join([*fenced, "Read the blocks above and answer."])},
    ]


async def complete(client: httpx.AsyncClient, sent: list[dict[str, str]], **fields: Any) -> httpx.Response:
    body = {"model": "openai/gpt-4o-mini", "messages": sent, "provider": {"data_collection": "deny"}}
    return await client.post("/chat/completions", json=body | fields)


def content(response: httpx.Response) -> str:
    return response.json()["choices"][0]["message"]["content"]
