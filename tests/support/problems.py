"""Problem documents, and the web page that may read them."""

import re

PAGE = "http://localhost:3000"
"""An origin in `CORS_ORIGINS` by default."""


def assert_problem(answer, status, code=None):
    """The response is a problem document whose detail is one sentence."""
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert isinstance(problem["detail"], str)
    assert re.match(r"^[A-Z].*[.]$", problem["detail"], re.DOTALL), problem["detail"]
    assert problem["title"]
    assert problem["type"]
    assert code is None or problem["code"] == code
    return problem
