"""API keys as a person writes them into a setting, and which of them was presented."""

import re
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from config import UnusableSetting

SHORTEST_KEY = 16
"""Characters. A shorter key is guessed sooner or later."""

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH_PREFIX = "sha256:"
_HASH = re.compile(r"[0-9A-Fa-f]{64}")


class ApiKey(NamedTuple):
    """A key by its name and SHA-256; the key itself is not kept."""

    name: str
    digest: bytes


class ApiKeys:
    """Every key that opens the service."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def read(cls, text: str) -> "ApiKeys":
        """`name:key, name:sha256:<64 hex>`; a key may hold colons. Raises UnusableSetting."""
        pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
        if not pairs:
            raise UnusableSetting("API_KEYS is set but holds no key; write name:key, comma-separated.")
        keys = [_read_pair(number, pair) for number, pair in enumerate(pairs, 1)]
        for what, values in (("name", [key.name for key in keys]), ("key", [key.digest for key in keys])):
            if len(set(values)) < len(values):
                raise UnusableSetting(f"API_KEYS holds the same {what} twice; each may stand there once.")
        return cls(keys)

    def name_of(self, presented: str) -> str | None:
        """Whose key it is, or None. Takes the same time whichever it is: hashes are compared, and all of them."""
        digest = sha256(presented.encode("utf-8", "surrogatepass")).digest()
        found = None
        for key in self._keys:
            if compare_digest(digest, key.digest):
                found = key.name
        return found


def _read_pair(number: int, pair: str) -> ApiKey:
    """One key. Errors tell its place, not its name: a pair written the wrong way round has the key there."""
    name, colon, key = pair.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise UnusableSetting(
            f"API_KEYS: entry {number} is not name:key with a name of letters, digits and . _ @ - (64 at most)."
        )
    if key.startswith(_HASH_PREFIX):
        return ApiKey(name, _read_hash(number, key.removeprefix(_HASH_PREFIX)))
    if len(key) < SHORTEST_KEY:
        raise UnusableSetting(f"API_KEYS: entry {number} has a key shorter than {SHORTEST_KEY} characters.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UnusableSetting(f"API_KEYS: entry {number} has a key that is not printable ASCII without spaces.")
    return ApiKey(name, sha256(key.encode()).digest())


def _read_hash(number: int, text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise UnusableSetting(f"API_KEYS: entry {number} says sha256: and 64 hexadecimal digits do not follow.")
    return bytes.fromhex(text)
