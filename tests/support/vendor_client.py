"""A client of one vendor, as the service opens it."""

from pydantic import SecretStr

from services.upstream.client import ErrorMapper, VendorClient
from services.upstream.retry_policy import RETRY_POLICIES, RetryPolicy
from services.upstream.transport import open_client, open_transport

NO_RETRIES = RetryPolicy(rate_limited=0, overloaded=0, timed_out=0, failed=0, not_sent=0, disconnected=0)


def vendor_client(
    vendor: str,
    base_url: str,
    map_error: ErrorMapper,
    *,
    key: str = "vendor-key-0123456789",
    deadline: float = 5,
    max_concurrency: int = 10,
    policy: RetryPolicy = RETRY_POLICIES["daily"],
    keep_alive: bool = True,
) -> VendorClient:
    """The client, to be entered as a context manager."""
    http = open_client(base_url, SecretStr(key), open_transport(max_concurrency, keep_alive=keep_alive))
    return VendorClient(
        vendor, http, map_error, deadline=deadline, max_concurrency=max_concurrency, retry_policy=policy
    )
