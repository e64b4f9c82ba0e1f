from tests.services.access.conftest import redis

__all__ = ["redis"]
