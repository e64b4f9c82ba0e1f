"""Types of settings: how the text of a variable is checked and normalized."""

import re
from base64 import b64decode
from typing import Annotated, Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, SecretStr, StringConstraints, TypeAdapter
from pydantic_settings import NoDecode

_HOST_NAME = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"(https?://)([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?/?")
_PHONE_LIMIT = re.compile(r"(\d{1,9})(?:\s*/\s*(day|hour))?")
_ROOMS = re.compile(r"(\d{1,9})\s*rooms?", re.IGNORECASE)
_BYTES = re.compile(r"\d{1,12}(\.\d+)?\s*[KMGT]?i?B", re.IGNORECASE)
_DEFAULT_PORTS = {"http://": ":80", "https://": ":443"}


class PhoneBudget(NamedTuple):
    """Maximum phone calls; 0 is unlimited."""

    per_day: int = 0
    """For each caller, and for each number."""
    per_hour: int = 0
    """For each number."""


class StorageBudget(NamedTuple):
    """Maximum storage of each caller; 0 is unlimited."""

    rooms: int = 0
    bytes: int = 0


def comma_list(value: Any) -> Any:
    """Splits a comma-separated string into its items; leaves every other value as it is."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def lower(value: Any) -> Any:
    """A string in lower case; every other value as it is."""
    return value.lower() if isinstance(value, str) else value


def upper(value: Any) -> Any:
    """A string in upper case; every other value as it is."""
    return value.upper() if isinstance(value, str) else value


def _key(value: SecretStr) -> SecretStr:
    """Keys travel in a header, so they are printable ASCII without spaces."""
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII without spaces")
    return value


def _base64_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    try:
        is_usable = len(b64decode(text, validate=True)) > 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("must be base64")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or parts.fragment or "@" in parts.netloc or not _has_host(parts):
        raise ValueError("must be an http(s) URL with a host and no password, such as https://api.example.com/v1")
    return value


def _base_url(value: str) -> str:
    """Refuses a query and removes a slash at the end, because paths are appended to a base URL."""
    if urlsplit(_url(value)).query:
        raise ValueError("must be a URL without a query, such as https://api.example.com/v1")
    return value.rstrip("/")


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False  # an invalid name or port number


def _origin(value: str) -> str:
    """The origin as browsers send it: lower case, without the default port and without a slash."""
    parts = _ORIGIN.fullmatch(value.lower())
    if parts is None:
        raise ValueError("each origin is scheme://host[:port], such as http://localhost:3000")
    scheme, host, port = parts.groups(default="")
    return f"{scheme}{host}{'' if port == _DEFAULT_PORTS[scheme] else port}"


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value if value == "*" else _origin(value) for value in values)


def _country_codes(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value.upper() for value in values)


def _host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError("each is a host name without scheme and port, such as api.example.com or *.example.com")
    return names


def _phone_budget(value: Any) -> Any:
    """Reads `20/day;5/hour`. A window that is left out is unlimited."""
    if not isinstance(value, str):
        return value
    parts = [_PHONE_LIMIT.fullmatch(part.strip()) for part in value.split(";")]
    limits = {part[2] or "day": int(part[1]) for part in parts if part}
    if not all(parts) or len(limits) < len(parts):
        raise ValueError("must be written as 20/day;5/hour, or 0 for no limit")
    return PhoneBudget(limits.get("day", 0), limits.get("hour", 0))


def _storage_budget(value: Any) -> Any:
    """Reads `200 rooms;64 MiB`. A limit that is left out is unlimited."""
    if not isinstance(value, str):
        return value
    limits = [] if value.strip() == "0" else [_storage_limit(part.strip()) for part in value.split(";")]
    if None in limits or len(dict(filter(None, limits))) < len(limits):
        raise ValueError("must be written as 200 rooms;64 MiB, or 0 for no limit")
    return StorageBudget(**dict(filter(None, limits)))


def _storage_limit(part: str) -> tuple[str, int] | None:
    if rooms := _ROOMS.fullmatch(part):
        return "rooms", int(rooms[1])
    return ("bytes", TypeAdapter(ByteSize).validate_python(part)) if _BYTES.fullmatch(part) else None


Key = Annotated[SecretStr, AfterValidator(_key)]
Base64Secret = Annotated[SecretStr, AfterValidator(_base64_secret)]
Word = Annotated[str, StringConstraints(max_length=200)]
Url = Annotated[str, AfterValidator(_url)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(comma_list)]
CountryCodes = Annotated[CommaList, AfterValidator(_country_codes)]
Origins = Annotated[CommaList, AfterValidator(_origins)]
HostNames = Annotated[CommaList, AfterValidator(_host_names)]
PhoneBudgetText = Annotated[PhoneBudget, NoDecode, BeforeValidator(_phone_budget)]
StorageBudgetText = Annotated[StorageBudget, NoDecode, BeforeValidator(_storage_budget)]
