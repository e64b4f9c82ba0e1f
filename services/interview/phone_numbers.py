"""Which phone numbers may be dialled."""

import re
from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from config import UnusableSetting
from services.errors import FieldError, InvalidInput

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

_ORDINARY_LINES = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    }
)
"""Types of numbers at which a person answers: not premium, shared-cost or toll-free numbers, pagers or voicemail."""


def check_phone_number(text: str, allowed_countries: Collection[str]) -> str:
    """The number as it may be dialled: E.164, assigned to an ordinary line in an allowed country.

    Raises InvalidInput, which names VAPI_ALLOWED_COUNTRIES where the country is
    what is wrong. No country code is ever guessed.
    """
    if not _E164.fullmatch(text):
        raise _refused("Give the phone number with its country code, only digits after the plus, such as +14155550100.")
    number = _parse(text)
    if number is None or not phonenumbers.is_valid_number(number):
        raise _refused("There is no such phone number; check its digits.")
    if phonenumbers.format_number(number, PhoneNumberFormat.E164) != text:
        raise _refused(
            "Give the phone number as it is dialled from abroad, without the 0 or 1 that is put before it at home."
        )
    region = phonenumbers.region_code_for_number(number)
    if region not in allowed_countries:
        raise _refused(
            f"This server does not phone {_place(region)}; VAPI_ALLOWED_COUNTRIES allows "
            f"{', '.join(sorted(allowed_countries)) or 'none'}."
        )
    if phonenumbers.number_type(number) not in _ORDINARY_LINES:
        raise _refused("This is no ordinary line; give the number of a landline or a mobile phone.")
    return text


def check_regions(regions: Collection[str]) -> None:
    """Raises UnusableSetting for a region that has no phone numbers of its own."""
    if unknown := sorted(set(regions) - phonenumbers.SUPPORTED_REGIONS):
        raise UnusableSetting(
            f"VAPI_ALLOWED_COUNTRIES: no country with phone numbers has the code {', '.join(unknown)}; "
            "write two letters for each, such as US,CA,GB."
        )


def _parse(text: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None


def _place(region: str | None) -> str:
    """The library's region of satellite phones and other numbers without a country is `001`."""
    return f"numbers in {region}" if region and region.isalpha() else "numbers outside of any country"


def _refused(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("phone_number", detail)])
