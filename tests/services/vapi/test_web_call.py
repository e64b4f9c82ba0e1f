"""The deprecated web call of Vapi."""

import pytest

from services.errors import (
    ProviderBadAnswer,
)
from tests.services.vapi.calls import QUEUED, sent_body

pytestmark = pytest.mark.anyio


async def test_deprecated_web_call_matches_the_published_schema(vendor, vapi, published):
    route = vendor.post("/call/web").respond(201, json=QUEUED | {"webCallUrl": "https://vapi.example.daily.co/abc"})

    with pytest.warns(DeprecationWarning, match="create_client_secret"):
        await vapi.create_web_call(instructions="You are Grace.")

    published.check(route.calls.last.request)


async def test_web_call_warns_that_it_is_deprecated(vendor, vapi):
    route = vendor.post("/call/web").respond(201, json=QUEUED | {"webCallUrl": "https://vapi.example.daily.co/abc"})

    with pytest.warns(DeprecationWarning, match="create_client_secret"):
        call = await vapi.create_web_call(instructions="You are {{ Grace }}.")

    assert call.url == "https://vapi.example.daily.co/abc"
    assert sent_body(route)["assistantOverrides"] == {"variableValues": {"instructions": "You are (( Grace ))."}}


async def test_web_call_without_a_url_is_a_bad_answer(vendor, vapi):
    vendor.post("/call/web").respond(201, json=QUEUED)

    with pytest.warns(DeprecationWarning, match="create_client_secret"), pytest.raises(ProviderBadAnswer):
        await vapi.create_web_call(instructions="You are Grace.")
