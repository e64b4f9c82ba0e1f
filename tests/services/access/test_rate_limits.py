import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.rate_limits import read_windows
from services.access.settings import UnusableLimit


def test_one_window_bears_the_name_of_its_policy():
    (window,) = read_windows("default", "300/minute", "RATE_LIMIT_DEFAULT")

    assert window.policy_item == '"default";q=300;w=60'


def test_several_windows_are_told_apart_and_come_shortest_first():
    windows = read_windows("default", "500/day; 30 per minute, 60/5minutes", "RATE_LIMIT_DEFAULT")

    assert [window.policy_item for window in windows] == [
        '"default-minute";q=30;w=60',
        '"default-5minute";q=60;w=300',
        '"default-day";q=500;w=86400',
    ]


@pytest.mark.parametrize(
    "text",
    ["", "many", "30", "/minute", "30/fortnight", "-1/minute", "0/minute", "1/9999 years", "5/minute;9/60seconds"],
)
def test_a_limit_that_means_nothing_is_refused_with_its_variable(text: str):
    with pytest.raises(UnusableLimit, match="RATE_LIMIT_LLM") as refused:
        read_windows("llm", text, "RATE_LIMIT_LLM")

    assert "\n" not in str(refused.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    try:
        windows = read_windows("default", text, "RATE_LIMIT_DEFAULT")
    except UnusableLimit:
        return

    assert all(window.quota > 0 and window.seconds > 0 for window in windows)
