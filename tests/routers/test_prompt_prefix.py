"""Prompts that share their start, which a model server takes from its cache."""

from itertools import takewhile

from tests.routers.model_calls import DEBRIEF, LONG, chat, debrief, prompt
from tests.support.interviews import BRIEFING, TRANSCRIPT, open_briefed_room


def shared_start(texts):
    """The common start of all prompts, which a server can take from its cache."""
    return "".join(
        letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    )


def test_second_question_shares_its_prompt_prefix_with_the_first(serve):
    client, model = serve({"content": "Ask about scale."})
    name = open_briefed_room(client, resume_summary="Wrote the A-0 linker. " * 400)
    first = {"message": "What next?", "transcript": TRANSCRIPT}
    history = [{"role": "user", "content": "What next?"}, {"role": "assistant", "content": "Ask about scale."}]

    chat(client, name, **first)
    chat(client, name, **first | {"message": "And then?", "history": history})

    one, two = map(prompt, model.requests)
    assert len(shared_start([one, two])) == len(one)
    assert len(one) / len(two) > 0.97


def test_longer_transcript_shares_its_prompt_prefix(serve):
    client, model = serve({"content": "Ask about scale."})
    name = open_briefed_room(client)

    chat(client, name, transcript=f"{TRANSCRIPT}\n{LONG}")
    chat(client, name, transcript=f"{TRANSCRIPT}\n{LONG}\nInterviewer: One more?\nCandidate: I am done.")

    one, two = map(prompt, model.requests)
    assert len(shared_start([one, two])) / len(one) > 0.97


def test_long_transcript_drops_its_start_in_steps(serve):
    client, model = serve({"content": "Hello."}, llm_context_tokens=8192)
    name = open_briefed_room(client)
    spoken = f"{TRANSCRIPT}\n{LONG}"

    for more in ("", "\nCandidate: And this.", "\nCandidate: And this.\nCandidate: And that."):
        chat(client, name, transcript=spoken + more)

    one, two, three = map(prompt, model.requests)
    assert len(shared_start([one, two, three])) / len(one) > 0.9
    assert "number 399," in one


def test_parts_of_a_debrief_share_their_prompt_prefix(serve):
    client, model = serve(DEBRIEF, llm_context_tokens=8192)

    debrief(client, transcript=f"{TRANSCRIPT}\n{LONG}")

    prompts = list(map(prompt, model.requests))
    shared = shared_start(prompts)
    assert shared.rstrip().endswith('kind="transcript">\n[T')
    assert "A-0 linker" in shared


def test_own_briefing_prompt_as_context_is_not_sent_twice(serve):
    client, model = serve({"content": "Hello."})
    name = open_briefed_room(client)
    own = client.get(f"/api/rooms/{name}/briefing").json()["briefing_prompt"]
    client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)

    chat(client, name, context=own)
    chat(client, name, context=f"{own}\r\nShe is nervous.".replace("\n", "\r\n"))
    chat(client, name, context="Another briefing: wrote the A-0 linker.")

    alone, with_more, another = map(prompt, model.requests)
    assert alone.count("A-0 linker") == 1
    assert 'kind="context"' not in alone
    assert with_more.count("A-0 linker") == 1
    assert "She is nervous." in with_more
    assert another.count("A-0 linker") == 2
