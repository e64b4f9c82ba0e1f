"""Property tests have no deadline, because a busy machine must not fail them."""

from hypothesis import settings

settings.register_profile("pure", deadline=None)
settings.load_profile("pure")
