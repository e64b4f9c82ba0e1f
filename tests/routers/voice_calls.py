"""Requests for voice tokens and phone calls, and the vendor URLs that they lead to."""

from tests.support.interviews import sample

SECRETS = "https://api.openai.com/v1/realtime/client_secrets"
CALLS = "https://api.vapi.ai/call"
MINTED = sample("openai/client_secret.json")
QUEUED = sample("vapi/call_queued.json")
CALL_ID = QUEUED["id"]
NUMBER = "+14155550100"

CANDIDATE = {
    "candidate_name": "Grace Hopper",
    "role": "Compiler engineer",
    "resume": "Wrote the A-0 linker in 1952.",
    "job_description": "We need an engineer who has shipped a compiler.",
}


def mint(client, name, body=None, **headers):
    return client.post(f"/api/rooms/{name}/realtime/token", json=body, headers=headers)


def call_up(client, name, number=NUMBER, **headers):
    return client.post(f"/api/rooms/{name}/briefing/call", json={"phone_number": number}, headers=headers)
