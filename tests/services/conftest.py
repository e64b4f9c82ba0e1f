"""No clock decides a property test: a busy machine is no reason to fail."""

from hypothesis import settings

settings.register_profile("pure", deadline=None)
settings.load_profile("pure")
