"""Which phone numbers may be dialled."""

import pytest

from services.errors import InvalidInput
from services.interview.phone_numbers import check_phone_number

NORTH_AMERICA = ("US", "CA")


@pytest.mark.parametrize("number", ["+14155550100", "+14165550123"])
def test_an_ordinary_number_of_an_allowed_country_may_be_dialled(number):
    assert check_phone_number(number, NORTH_AMERICA) == number


@pytest.mark.parametrize(
    "text",
    [
        "4155550100",
        "14155550100",
        "0014155550100",
        "+1 415 555 0100",
        "+1-415-555-0100",
        "+1(415)5550100",
        " +14155550100",
        "+14155550100\n",
        "+14155550100;ext=1",
        "tel:+14155550100",
        "+1415555O100",
        "+١٤١٥٥٥٥٠١٠٠",
        "+",
        "",
        "+1" + "4" * 20,
    ],
)
def test_number_that_is_not_e164_is_refused(text):
    with pytest.raises(InvalidInput, match="country code") as caught:
        check_phone_number(text, NORTH_AMERICA)

    assert caught.value.errors[0].field == "phone_number"


@pytest.mark.parametrize("text", ["+114155550100", "+4402079460018", "+330612345678", "+490301234567"])
def test_a_prefix_that_is_dialled_at_home_only_is_refused(text):
    with pytest.raises(InvalidInput, match="as it is dialled from abroad"):
        check_phone_number(text, ("US", "GB", "FR", "DE"))


def test_an_italian_zero_is_no_prefix():
    assert check_phone_number("+390612345678", ("IT",)) == "+390612345678"


@pytest.mark.parametrize("text", ["+1415555010", "+11155550100", "+9991234567", "+1911911"])
def test_a_number_that_does_not_exist_is_refused(text):
    with pytest.raises(InvalidInput, match="no such phone number"):
        check_phone_number(text, NORTH_AMERICA)


@pytest.mark.parametrize(
    ("text", "region"), [("+442071838750", "GB"), ("+18765551234", "JM"), ("+4915112345678", "DE")]
)
def test_another_country_is_refused_with_the_setting_that_would_allow_it(text, region):
    with pytest.raises(InvalidInput) as caught:
        check_phone_number(text, NORTH_AMERICA)

    assert f"numbers in {region}; VAPI_ALLOWED_COUNTRIES allows CA, US." in caught.value.detail


def test_the_setting_allows_another_country():
    assert check_phone_number("+442071838750", ("GB",)) == "+442071838750"


def test_a_satellite_phone_belongs_to_no_country():
    with pytest.raises(InvalidInput, match="outside of any country"):
        check_phone_number("+870773111632", NORTH_AMERICA)


@pytest.mark.parametrize("text", ["+19005550123", "+18005550199", "+448719123456", "+447012345678"])
def test_premium_free_and_other_unusual_lines_are_refused(text):
    with pytest.raises(InvalidInput, match="no ordinary line"):
        check_phone_number(text, ("US", "GB"))
