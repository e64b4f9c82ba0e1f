"""Everybody who may call: with nothing, with credentials that prove nothing, as a stranger, as the owner.

The tokens of `tests.services.access.issuer` are checked against the key set that `issuing()` publishes on loopback.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.services.access.issuer import OTHER_RSA, RSA, bearer, claims, key_set, public_pem, signed

OWNER_KEY = "the-owner's-key-0123456789"
STRANGER_KEY = "a-stranger's-key-0123456789"
AUDIENCE = "interview-rooms"

OWNER = {"Authorization": bearer(OWNER_KEY)}
STRANGER = {"Authorization": bearer(STRANGER_KEY)}


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def handmade(secret: bytes, **header: str) -> str:
    """A token that a library refuses to sign: without an algorithm, or with a public key taken for a secret."""
    signing_input = f"{encoded(header | {'typ': 'JWT'})}.{encoded(claims(aud=AUDIENCE))}"
    signature = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


NOBODY: dict[str, str] = {}
PRETENDERS = {
    "wrong key": bearer("no-key-of-this-server-0123"),
    "half a key": bearer(OWNER_KEY[:-1]),
    "no bearer": f"Basic {base64.b64encode(f'owner:{OWNER_KEY}'.encode()).decode()}",
    "empty bearer": "Bearer ",
    "expired token": bearer(signed("RS256", aud=AUDIENCE, exp=1)),
    "token for another audience": bearer(signed("RS256", aud="another-service")),
    "token by another issuer's key": bearer(signed("RS256", key=OTHER_RSA, aud=AUDIENCE)),
    "token with alg none": bearer(handmade(b"", alg="none")),
    "HS256 signed with the public key": bearer(handmade(public_pem(RSA), alg="HS256", kid="RS256")),
}
OWNERS = {
    "by key": OWNER,
    "by RS256 token": {"Authorization": bearer(signed("RS256", aud=AUDIENCE, sub="owner"))},
    "by HS256 token": {"Authorization": bearer(signed("HS256", aud=AUDIENCE, sub="another-owner"))},
}


class KeySet(BaseHTTPRequestHandler):
    """Publishes the issuer's keys."""

    def do_GET(self) -> None:
        body = json.dumps(key_set()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def issuing() -> Iterator[str]:
    """The URL of the key set."""
    with ThreadingHTTPServer(("127.0.0.1", 0), KeySet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/jwks.json"
        finally:
            server.shutdown()
            thread.join()
