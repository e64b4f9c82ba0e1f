"""One whole interview against a running server, told step by step for a person in a terminal.

`python scripts/demo.py [--base-url http://localhost:8000]`. The room it opens
is deleted at the end; the two reports stay in a temporary folder.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
MOST_PROMPT_LINES = 16
TIMEOUT_SECONDS = 180

INTERVIEWER = "Jonas Weber"
CANDIDATE = "Maya Lindqvist"
FOCUS_AREAS = ["System design", "Incident response", "Testing", "Kubernetes", "Working with product", "Mentoring"]
NOTES = "Clear and concrete about the ledger. Hesitated on Kubernetes and said so. Mentoring did not come up."

Json = dict[str, Any]


class Refused(Exception):
    """The server answered with a problem; its text is the sentence that the server gives for it."""


def main() -> int:
    """Walk through the interview; 1 when a step failed or no server answered."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    arguments = _arguments()
    headers = {"Authorization": f"Bearer {arguments.api_key}"} if arguments.api_key else {}
    try:
        # a proxy from the environment has no business between this script and a local server
        with httpx.Client(
            base_url=arguments.base_url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            return Walk(client).go()
    except httpx.ConnectError:
        print(f"No server answers at {arguments.base_url}. Start it with `make run`, then run this again.")
    except httpx.TransportError as error:
        print(f"\nThe server stopped answering ({type(error).__name__}); look at its log.")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Walk through one whole interview against a running server.")
    parser.add_argument("--base-url", default=os.environ.get("BASE_URL", "http://localhost:8000"))
    parser.add_argument("--api-key", default=os.environ.get("API_KEY"), help="for a server that asks who is calling")
    return parser.parse_args()


class Walk:
    """The interview, and how many of its steps failed."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._failures = 0
        self._room = ""
        self._chat: list[Json] = []
        self._transcript = (HERE / "interview.vtt").read_text(encoding="utf-8")

    def go(self) -> int:
        self._step("Is it there?", self._look)
        self._step("Open a room", self._open_room)
        if self._room:
            self._step("The candidate joins", self._join)
            self._step("Save the briefing", self._save_briefing)
            self._step("Ask the sidebar", self._ask)
            self._step("Ask the sidebar during the call, streamed", self._ask_streamed)
            self._step("Debrief the interview", self._debrief)
            self._step("Fetch the reports", self._fetch_reports)
            self._step("A voice candidate to practise with", self._mint_voice_token)
            self._step("Delete everything", self._delete)
        return self._say_goodbye()

    def _step(self, title: str, work: Callable[[], None]) -> None:
        print(f"\n{title}\n{'─' * len(title)}")
        try:
            work()
        except Refused as problem:
            self._failures += 1
            _paragraph(f"This failed. {problem}")

    def _say_goodbye(self) -> int:
        print()
        if self._failures:
            _paragraph(f"Steps that failed: {self._failures}. Each says why above.", indent="")
            return 1
        _paragraph("That was the whole interview. README.md shows the same calls in curl and HTTPie.", indent="")
        return 0

    def _look(self) -> None:
        health = self._call("GET", "/health")
        _facts({"Service": f"{health['service']} {health['version']}", "Address": str(self._client.base_url)})
        if health["sandbox"]:
            _paragraph("It runs in the sandbox: the vendors are emulated and no language model is asked.")

    def _open_room(self) -> None:
        body = {"interviewer_name": INTERVIEWER, "candidate_name": CANDIDATE, "expires_in_minutes": 60}
        room = self._call("POST", "/api/rooms", body)
        self._room = room["room_name"]
        _facts(
            {
                "Room": room["room_name"],
                "Link": room["room_url"],
                "Ends": _moment(room["expires_at"]),
                "Interviewer's token": _secret(room["interviewer_token"]),
            }
        )

    def _join(self) -> None:
        body = {"participant_name": CANDIDATE, "participant_type": "candidate"}
        seat = self._call("POST", self._path("/join"), body)
        _facts({"Candidate's token": _secret(seat["token"]), "Good until": _moment(seat["expires_at"])})

    def _save_briefing(self) -> None:
        body = {
            "candidate_name": CANDIDATE,
            "role": "Senior Backend Engineer, Payments",
            "resume_summary": (HERE / "resume.txt").read_text(encoding="utf-8"),
            "notes": (HERE / "job.txt").read_text(encoding="utf-8"),
            "focus_areas": FOCUS_AREAS,
        }
        briefing = self._call("POST", self._path("/briefing"), body)
        prompt = briefing["briefing_prompt"]
        _paragraph(f"The prompt for a voice or chat agent has {len(prompt):,} characters and begins:")
        _excerpt(prompt)

    def _ask(self) -> None:
        question = "What should I ask her about system design?"
        answer = self._call("POST", self._path("/chat"), {"message": question})
        _paragraph(f"{INTERVIEWER}: {question}")
        _paragraph(f"ChatService: {answer['response']}")
        _facts({"Model": answer["model"], "Tokens": answer["usage"]["total_tokens"] or "not told"})
        self._remember(question, answer["response"])

    def _ask_streamed(self) -> None:
        question = "What did she say about Kubernetes?"
        body = {"message": question, "history": self._chat, "transcript": self._transcript}
        _paragraph(f"{INTERVIEWER}: {question}")
        pieces = 0
        line = _GrowingLine("ChatService: ")
        for event, fields in self._events(self._path("/chat"), body):
            if event == "delta":
                pieces += 1
                line.add(fields["text"])
            elif event == "error":
                line.end()
                raise Refused(fields["detail"])
            elif event == "done":
                line.end()
                _facts({"Came in": f"{pieces} pieces", "Ended": fields["finish_reason"]})
                self._remember(question, fields["response"])

    def _debrief(self) -> None:
        body = {"transcript": self._transcript, "notes": NOTES, "chat_history": self._chat}
        debrief = self._call("POST", self._path("/debrief"), body)
        _paragraph(debrief["summary"])
        score = debrief["score"]
        _facts(
            {
                "Recommendation": debrief["recommendation"],
                "Mean rating": f"{score['mean']} of 5, {score['assessed']} of {score['total']} assessed",
                "By the rule": score["rule"],
            }
        )
        _scorecard(debrief["scorecard"])
        _claims("Strengths", debrief["evidence"], "strength")
        _claims("Improvements", debrief["evidence"], "improvement")
        _bullets(
            "Not supported by any quote, so it counts for nothing", [one["claim"] for one in debrief["unsupported"]]
        )
        _bullets("Ask next time", debrief["follow_up_questions"])
        _bullets("Warnings", debrief["warnings"])
        found = debrief["grounding"]
        _paragraph(
            f"The model proposed {found['quotes_proposed']} quotes; {found['quotes_found']} of them stand in the "
            f"transcript or the notes. {debrief['turns_read']} turns were read."
        )

    def _fetch_reports(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="debrief-"))
        for kind, name in (("text/markdown", "debrief.md"), ("text/html", "debrief.html")):
            report = self._send("GET", self._path("/debrief"), headers={"Accept": kind}).text
            (folder / name).write_text(report, encoding="utf-8")
            if kind == "text/markdown":
                _paragraph("The Markdown report begins:")
                _excerpt(report)
        _facts({"Markdown": str(folder / "debrief.md"), "Open in a browser": str(folder / "debrief.html")})

    def _mint_voice_token(self) -> None:
        token = self._call("POST", self._path("/realtime/token"), {"expires_in_seconds": 60})
        _facts(
            {
                "Model": token["model"],
                "Modalities": ", ".join(token["modalities"]),
                "Client secret": _secret(token["client_secret"]),
                "Good until": _moment(token["expires_at"]),
            }
        )

    def _delete(self) -> None:
        receipt = self._call("DELETE", self._path(""))
        counts = {name.replace("_", " ").capitalize(): count for name, count in receipt["deleted"].items() if count}
        _facts({name: f"{count} erased" for name, count in counts.items()})
        _bullets("What remains to be done", receipt.get("remaining", []))

    def _remember(self, question: str, answer: str) -> None:
        self._chat += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]

    def _path(self, end: str) -> str:
        return f"/api/rooms/{self._room}{end}"

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        answer: Json = self._send(method, path, json=body).json()
        return answer

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._client.request(method, path, **options)
        if response.is_error:
            raise Refused(_detail(response))
        return response

    def _events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """The server-sent events of a call, each with its name and its fields."""
        with self._client.stream("POST", path, json=body, headers={"Accept": "text/event-stream"}) as response:
            if response.is_error:
                response.read()
                raise Refused(_detail(response))
            event = ""
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    yield event, json.loads(line.removeprefix("data:"))


def _detail(response: httpx.Response) -> str:
    """The sentence of a problem document, or what little can be said of another answer."""
    try:
        return f"{response.json()['detail']} (status {response.status_code})"
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code} without saying why."


def _width() -> int:
    return max(50, min(100, shutil.get_terminal_size().columns))


def _wrapped(text: str, first: str, rest: str) -> None:
    """Wrapped at blanks only: a link that is cut can't be followed."""
    lines = textwrap.wrap(
        text, _width(), initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    print("\n".join(lines))


def _paragraph(text: str, indent: str = "  ") -> None:
    _wrapped(text, indent, indent)


def _facts(facts: Mapping[str, Any]) -> None:
    """Labels in one column, values in the next."""
    column = max((len(label) for label in facts), default=0) + 2
    for label, value in facts.items():
        start = f"  {label:<{column}}"
        _wrapped(str(value), start, " " * len(start))


def _bullets(title: str, texts: Sequence[str]) -> None:
    if texts:
        print(f"\n  {title}")
    for text in texts:
        _wrapped(text, "  • ", "    ")


def _excerpt(text: str) -> None:
    """The first lines of a long text behind a rule."""
    wrapped = [line for given in text.splitlines() for line in textwrap.wrap(given, _width() - 4) or [""]]
    for line in wrapped[:MOST_PROMPT_LINES]:
        print(f"  │ {line}".rstrip())
    if len(wrapped) > MOST_PROMPT_LINES:
        print(f"  │ … and {len(wrapped) - MOST_PROMPT_LINES} more lines")


def _scorecard(rows: Sequence[Json]) -> None:
    print()
    column = max((len(row["competency"]) for row in rows), default=0) + 2
    for row in rows:
        rating = row["rating"]
        picture = f"{'●' * rating}{'○' * (5 - rating)}  {rating}" if rating else "not assessed"
        print(f"  {row['competency']:<{column}}{picture}")


def _claims(title: str, evidence: Sequence[Json], kind: str) -> None:
    claims = [claim for claim in evidence if claim["kind"] == kind]
    if claims:
        print(f"\n  {title}")
    for claim in claims:
        _wrapped(claim["claim"], "  • ", "    ")
        for quote in claim["quotes"]:
            _paragraph(f"“{quote['text']}” {_place(quote)}", indent="      ")


def _place(quote: Json) -> str:
    if quote["source"] == "notes":
        return "(your notes)"
    return f"(turn {quote['turn']}{', ' + quote['at'] if quote['at'] else ''})"


def _secret(text: str) -> str:
    """Enough to recognise a credential, not enough to use it."""
    return f"{text[:12]}… ({len(text)} characters, not shown)"


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


class _GrowingLine:
    """Text that is printed word by word as it comes, and wrapped at blanks."""

    def __init__(self, start: str) -> None:
        self._column = 0
        self._unfinished = f" {start}"

    def add(self, text: str) -> None:
        *words, self._unfinished = (self._unfinished + text).replace("\n", " ").split(" ")
        for word in words:
            self._put(word)

    def end(self) -> None:
        self._put(self._unfinished)
        print()

    def _put(self, word: str) -> None:
        is_full = self._column + 1 + len(word) > _width()
        print(f"\n  {word}" if is_full else f" {word}", end="", flush=True)
        self._column = 2 + len(word) if is_full else self._column + 1 + len(word)


if __name__ == "__main__":
    sys.exit(main())
