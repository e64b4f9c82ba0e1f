"""Baselines: minimal FastAPI handlers that give the same responses.

Run with uvicorn as `scripts.benchmarks.baselines:app`; `VENDOR_URL` is the address of the fake vendor.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import aiohttp
import httpx
from fastapi import FastAPI, Request
from pydantic import BaseModel

from scripts.benchmarks.briefing import BRIEFING
from services.briefing import Briefing
from services.usage import Usage

VENDOR_URL = os.environ.get("VENDOR_URL", "")


class Question(BaseModel):
    """The request of a chat."""

    message: str


class Reply(BaseModel):
    """The response of a chat."""

    response: str
    model: str
    usage: Usage


class State(TypedDict):
    """HTTP clients that are open while the app runs."""

    session: aiohttp.ClientSession
    client: httpx.AsyncClient


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[State]:
    limits = httpx.Limits(max_connections=1500, max_keepalive_connections=1500)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1500)) as session,
        httpx.AsyncClient(limits=limits, timeout=60) as client,
    ):
        yield {"session": session, "client": client}


app = FastAPI(lifespan=_lifespan)


@app.get("/ready")
async def ready() -> dict[str, str]:
    """Polled to measure the time from start to ready."""
    return {"status": "ready"}


@app.get("/briefing")
async def briefing() -> Briefing:
    """The same model as the service returns."""
    return BRIEFING


@app.post("/aiohttp/{way}")
async def chat_over_aiohttp(way: str, body: Question, request: Request) -> Reply:
    """A proxied chat at the lowest cost."""
    async with request.state.session.post(f"{VENDOR_URL}/{way}/chat/completions", json=_asked(body)) as answer:
        return _reply(await answer.json())


@app.post("/httpx/{way}")
async def chat_over_httpx(way: str, body: Question, request: Request) -> Reply:
    """One shared client, as httpx recommends."""
    answer = await request.state.client.post(f"{VENDOR_URL}/{way}/chat/completions", json=_asked(body))
    return _reply(answer.json())


@app.post("/client-per-request/{way}")
async def chat_with_a_client_per_request(way: str, body: Question) -> Reply:
    """A client for each request, as in most examples."""
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"{VENDOR_URL}/{way}/chat/completions", json=_asked(body))
    return _reply(answer.json())


def _asked(body: Question) -> dict[str, Any]:
    rules = {"role": "system", "content": "You help an interviewer."}
    return {"model": "openai/gpt-4o-mini", "messages": [rules, {"role": "user", "content": body.message}]}


def _reply(document: dict[str, Any]) -> Reply:
    text = document["choices"][0]["message"]["content"]
    return Reply(response=text, model=document["model"], usage=Usage.model_validate(document["usage"]))
