import pytest

# their failed asserts are explained, as those of test modules are
pytest.register_assert_rewrite(*(f"tests.{name}" for name in ("cases", "deployment", "faults", "routers", "support")))
