"""Access settings that can't be used. Found at start, told in one line that names the variable and never its value."""

from config import UnusableSetting


class UnusableCredentials(UnusableSetting):
    """Keys or JWT settings that would lock everybody out or let anybody in."""


class UnusableLimit(UnusableSetting):
    """A rate limit that can't be read, or a place to count that is not known."""
