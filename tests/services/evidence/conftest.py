"""No clock decides a property test: a busy machine is no reason to fail."""

from hypothesis import settings

settings.register_profile("evidence", deadline=None)
settings.load_profile("evidence")
