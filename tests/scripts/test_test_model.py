"""The script that tries a model server, against one that answers well and one that does not."""

import json
import subprocess
import sys

import pytest

from tests.support.api_server import ROOT, own_environment
from tests.support.model_server import deltas, model_server

SAID = "I redesigned the ledger"
QUOTE = {"source": "transcript", "turn": 2, "quote": SAID}
ANSWER = {
    "summary": "She spoke about the ledger.",
    "claims": [{"claim": "Spoke", "kind": "strength", "evidence": [QUOTE]}, {"claim": ""}],
    "ratings": {"1": {"rating": 4, "rationale": "", "evidence": [QUOTE]}},
    "follow_up_questions": [],
}
NO_SCHEMA = {"status": 400, "json": {"error": {"message": "response_format json_schema is not supported"}}}
USAGE = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}


def run(directory, model):
    command = [sys.executable, str(ROOT / "scripts/test_model.py"), "--base-url", model.url, "--model", "m"]
    environment = own_environment(TMPDIR=str(directory))
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    rules = (
        {"if": {"response_format.type": "json_schema"}} | NO_SCHEMA,
        {"if": {"response_format.type": "json_object"}, "content": json.dumps(ANSWER)},
        {"if": {"stream": True}, "sse": deltas("Ask ", "more.", usage=USAGE)},
        {"content": "Ask about scale."},
    )
    with model_server(*rules) as model:
        return run(tmp_path_factory.mktemp("model"), model)


def test_whole_interview_is_reported(good):
    assert good.stderr == ""
    assert good.returncode == 0
    assert "All steps worked." in good.stdout
    assert "answer: Ask about scale." in good.stdout
    assert "900 read, 20 written, by m" in good.stdout
    assert "quotes found:" in good.stdout


def test_what_was_left_out_is_reported(good):
    assert "1 item of the model's answer was unreadable" in good.stdout
    assert "refused json_schema" in good.stdout


def test_step_that_fails_is_reported(tmp_path):
    with model_server({"status": 404, "text": "404 page not found"}) as model:
        failed = run(tmp_path, model)

    assert failed.returncode == 1
    assert "OPENROUTER_BASE_URL" in failed.stdout
