"""Reading response bodies: bounded in size, and never compressed."""

from collections.abc import AsyncGenerator

import httpx

from services.errors import ProviderBadAnswer
from services.upstream.responses import VendorResponse
from services.upstream.transport import TRANSPORT_ERRORS

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
"""Maximum size of a response: more than any that we request."""
MAX_ERROR_BYTES = 64 * 1024
"""Maximum size of an error response."""


async def read_chunks(
    vendor: str, response: httpx.Response, max_bytes: int = MAX_RESPONSE_BYTES
) -> AsyncGenerator[bytes]:
    """The body as it comes. Raises ProviderBadAnswer for one that is too large, cut off or compressed.

    A compressed body was not asked for, and a small one could expand into gigabytes.
    """
    if response.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
        raise ProviderBadAnswer(f"{vendor} sent a response that can't be read; try again.")
    assert isinstance(response.stream, httpx.AsyncByteStream)
    size = 0
    try:
        # the stream itself: nothing has to be decoded
        async for chunk in response.stream:
            size += len(chunk)
            if size > max_bytes:
                raise ProviderBadAnswer(f"{vendor} sent a response that is too large; try again.")
            yield chunk
    except TRANSPORT_ERRORS as error:
        raise ProviderBadAnswer(f"{vendor} broke off in the middle of its response; try again.") from error


async def read_whole(vendor: str, response: httpx.Response, max_bytes: int = MAX_RESPONSE_BYTES) -> VendorResponse:
    """The response with its whole body, closed. Raises ProviderBadAnswer like `read_chunks`."""
    try:
        content = b"".join([chunk async for chunk in read_chunks(vendor, response, max_bytes)])
    finally:
        await response.aclose()
    return VendorResponse(response.status_code, response.headers, content)
