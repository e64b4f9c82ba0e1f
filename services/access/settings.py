"""Access settings that can't be used. Found at start, told in one line that names the variable and never its value."""


class UnusableSetting(ValueError):
    """A setting whose text can't mean what it should."""


class UnusableCredentials(UnusableSetting):
    """Keys or JWT settings that would lock everybody out or let anybody in."""


class UnusableLimit(UnusableSetting):
    """A rate limit that can't be read, or a place to count that is not known."""
