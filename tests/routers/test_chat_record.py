"""The stored questions and answers of the sidebar, in pages."""

import pytest

from tests.routers.chat_calls import ask
from tests.support.interviews import (
    open_briefed_room,
    open_room,
)

pytestmark = pytest.mark.usefixtures("daily")


def test_sidebar_record_can_be_read(client, answering_model):
    name = open_briefed_room(client)
    ask(client, name)

    turns = client.get(f"/api/rooms/{name}/chat").json()["turns"]

    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", "What should I ask?"),
        ("assistant", "Ask her how the linker resolved addresses."),
    ]


@pytest.mark.parametrize("database", [None, "sqlite:///{}/rooms.db"], ids=["memory", "sqlite"])
def test_sidebar_record_is_paged(start, answering_model, database, tmp_path):
    client = start(database_url=database and database.format(tmp_path))
    name = open_briefed_room(client)
    for number in range(3):
        ask(client, name, message=f"Question {number}?")
    path, pages, after = f"/api/rooms/{name}/chat", [], 0
    while not pages or pages[-1]["has_more"]:
        pages.append(client.get(path, params={"limit": 4, "starting_after": after}).json())
        after = pages[-1]["turns"][-1]["number"]

    whole = client.get(path).json()

    assert [len(page["turns"]) for page in pages] == [4, 2]
    assert [turn for page in pages for turn in page["turns"]] == whole["turns"]
    assert [turn["number"] for turn in whole["turns"]] == [1, 2, 3, 4, 5, 6]
    assert not whole["has_more"]
    assert client.get(path, params={"starting_after": after}).json()["turns"] == []


def test_a_page_of_the_record_is_limited(start, answering_model):
    client = start(rate_limit_llm="1000/minute")
    name = open_briefed_room(client)
    for _ in range(51):
        ask(client, name)

    page = client.get(f"/api/rooms/{name}/chat").json()

    assert len(page["turns"]) == 100
    assert page["has_more"]


@pytest.mark.parametrize(
    "page", ["limit=0", "limit=201", "limit=all", "starting_after=-1", "starting_after=2147483648"]
)
def test_an_invalid_page_of_the_record_is_refused(client, page):
    answer = client.get(f"/api/rooms/{open_room(client)}/chat?{page}")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, page.partition("=")[0])
