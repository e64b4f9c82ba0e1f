"""API keys: reading the API_KEYS setting, and finding the name of a presented key."""

import re
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple

from config import UnusableSetting

MIN_KEY_CHARACTERS = 16
"""Shorter keys can be guessed."""

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH_PREFIX = "sha256:"
_HASH = re.compile(r"[0-9A-Fa-f]{64}")


class ApiKey(NamedTuple):
    """The name and SHA-256 of a key; the key itself is not kept."""

    name: str
    digest: bytes


class ApiKeys:
    """All API keys of the service."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def read(cls, text: str) -> "ApiKeys":
        """Reads `name:key, name:sha256:<64 hex>`; a key may contain colons. Raises UnusableSetting."""
        pairs = [pair.strip() for pair in text.split(",") if pair.strip()]
        if not pairs:
            raise UnusableSetting("API_KEYS is set but contains no key; write name:key, comma-separated.")
        keys = [_read_pair(number, pair) for number, pair in enumerate(pairs, 1)]
        for what, values in (("name", [key.name for key in keys]), ("key", [key.digest for key in keys])):
            if len(set(values)) < len(values):
                raise UnusableSetting(f"API_KEYS contains the same {what} twice.")
        return cls(keys)

    def name_of(self, presented: str) -> str | None:
        """Returns the key's name, or None. It always compares all hashes, so the time it takes reveals nothing."""
        digest = sha256(presented.encode("utf-8", "surrogatepass")).digest()
        found = None
        for key in self._keys:
            if compare_digest(digest, key.digest):
                found = key.name
        return found


def _read_pair(number: int, pair: str) -> ApiKey:
    """One key. Errors give its position, not its name: in a pair written the wrong way round that is the key."""
    name, colon, key = pair.partition(":")
    if not colon or not _NAME.fullmatch(name):
        raise UnusableSetting(
            f"API_KEYS: entry {number} is not name:key with a name of letters, digits and . _ @ - (64 at most)."
        )
    if key.startswith(_HASH_PREFIX):
        return ApiKey(name, _read_hash(number, key.removeprefix(_HASH_PREFIX)))
    if len(key) < MIN_KEY_CHARACTERS:
        raise UnusableSetting(f"API_KEYS: entry {number} has a key shorter than {MIN_KEY_CHARACTERS} characters.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UnusableSetting(f"API_KEYS: entry {number} has a key that is not printable ASCII without spaces.")
    return ApiKey(name, sha256(key.encode()).digest())


def _read_hash(number: int, text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise UnusableSetting(f"API_KEYS: entry {number} has no 64 hexadecimal digits after sha256:.")
    return bytes.fromhex(text)
