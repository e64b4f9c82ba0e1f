"""The four vendors, emulated in the process behind the same clients.

A sandbox transport replaces the network under a vendor's client, so the rest of the code is the code of production.
Nothing in this package opens a connection, and none of its texts comes from a language model.
"""

from collections.abc import Callable, Mapping

import httpx

from config import Provider
from services.sandbox.daily import Daily
from services.sandbox.openai import OpenAI
from services.sandbox.openrouter import OpenRouter
from services.sandbox.vapi import Vapi
from services.sandbox.wire import Clock, Emulation

_EMULATIONS: Mapping[Provider, Callable[[Clock], Emulation]] = {
    "daily": Daily,
    "openrouter": OpenRouter,
    "openai": OpenAI,
    "vapi": Vapi,
}


def sandbox_transport(vendor: Provider, now: Clock) -> httpx.AsyncBaseTransport:
    """A new emulation of the vendor, as an httpx transport. `now` gives Unix seconds."""
    return httpx.MockTransport(_EMULATIONS[vendor](now).answer)
