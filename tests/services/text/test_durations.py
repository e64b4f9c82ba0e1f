from datetime import timedelta

import pytest

from services.text.durations import in_words, whole_seconds


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        ({"seconds": 0}, "1 min"),
        ({"seconds": 61}, "2 min"),
        ({"minutes": 60}, "1 h"),
        ({"hours": 3, "minutes": 19, "seconds": 1}, "3 h 20 min"),
        ({"hours": 47, "minutes": 59}, "47 h 59 min"),
        ({"hours": 48}, "2 days"),
        ({"hours": 48, "minutes": 30}, "3 days"),
        ({"hours": 49}, "3 days"),
        ({"days": -1}, "1 min"),
    ],
)
def test_a_duration_is_rounded_up_in_words(duration, words):
    assert in_words(timedelta(**duration)) == words


@pytest.mark.parametrize(("seconds", "whole"), [(-5, 1), (0, 1), (0.1, 1), (59.2, 60)])
def test_retry_after_is_rounded_up_to_at_least_a_second(seconds, whole):
    assert whole_seconds(timedelta(seconds=seconds)) == whole
