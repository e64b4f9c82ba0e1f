from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import UnusableSetting
from services.access.api_keys import ApiKeys

KEY = "0123456789abcdef"
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=","), min_size=16)


def test_a_key_is_found_by_its_name():
    keys = ApiKeys.read(f"web:{KEY}, ops:{KEY[::-1]},")

    assert keys.name_of(KEY) == "web"
    assert keys.name_of(KEY[::-1]) == "ops"


def test_an_unknown_key_has_no_name():
    keys = ApiKeys.read(f"web:{KEY}")

    assert [keys.name_of(wrong) for wrong in ("", KEY[:-1], KEY + "0", f"web:{KEY}", KEY.upper(), "\udce9")] == [
        None
    ] * 6


def test_a_hashed_entry_accepts_its_key():
    keys = ApiKeys.read(f"web:sha256:{sha256(KEY.encode()).hexdigest().upper()}")

    assert keys.name_of(KEY) == "web"


def test_a_hash_is_not_accepted_as_a_key():
    digest = sha256(KEY.encode()).hexdigest()

    assert ApiKeys.read(f"web:sha256:{digest}").name_of(digest) is None


@given(visible)
def test_any_printable_key_is_accepted(key: str):
    key = f"k{key}"

    assert ApiKeys.read(f"web:{key}").name_of(key) == "web"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (",", "contains no key"),
        (KEY, "entry 1 is not name:key"),
        (f":{KEY}", "entry 1 is not name:key"),
        (f"a b:{KEY}", "entry 1 is not name:key"),
        (f"{'n' * 65}:{KEY}", "entry 1 is not name:key"),
        ("web:123456789012345", "entry 1 has a key shorter than 16"),
        (f"web:{KEY},ops:", "entry 2 has a key shorter than 16"),
        (f"web:{KEY} spaced", "not printable ASCII"),
        (f"web:{KEY}é", "not printable ASCII"),
        ("web:sha256:abc", "no 64 hexadecimal digits"),
        (f"web:sha256:{'g' * 64}", "no 64 hexadecimal digits"),
        (f"web:{KEY},web:{KEY[::-1]}", "the same name twice"),
        (f"web:{KEY},ops:{KEY}", "the same key twice"),
        (f"web:{KEY},ops:sha256:{sha256(KEY.encode()).hexdigest()}", "the same key twice"),
    ],
)
def test_an_invalid_api_keys_setting_is_refused(text: str, says: str):
    with pytest.raises(UnusableSetting, match=says) as refused:
        ApiKeys.read(text)

    assert "API_KEYS" in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(min_size=1))
def test_a_refused_setting_never_shows_the_key(text: str):
    secret = f"s3cr3t-{text}"

    with pytest.raises(UnusableSetting) as refused:
        ApiKeys.read(f"{secret}:short,{secret}")

    assert "s3cr3t" not in str(refused.value)
