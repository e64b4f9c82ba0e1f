"""Runs one whole interview against a running server, and prints each step: `make demo`.

`python scripts/demo.py [--base-url http://localhost:8000]`. The room that it
opens is deleted at the end; the two reports stay in a temporary folder.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from scripts.demonstration.api import Api, Json, RequestFailed  # noqa: E402 (needs the path above, as does the next)
from scripts.demonstration.printing import (  # noqa: E402
    StreamPrinter,
    formatted_time,
    print_agreement,
    print_claims,
    print_excerpt,
    print_facts,
    print_list,
    print_paragraph,
    print_scorecard,
    print_title,
    shortened,
)

TIMEOUT_SECONDS = 180
QUESTIONS_SHOWN = 4

INTERVIEWER = "Jonas Weber"
CANDIDATE = "Maya Lindqvist"
FOCUS_AREAS = ["System design", "Incident response", "Testing", "Kubernetes", "Working with product", "Mentoring"]
NOTES = "Clear and concrete about the ledger. Hesitated on Kubernetes and said so. Mentoring did not come up."

RATER = "jonas"
RATINGS = {"System design": 4, "Incident response": 5, "Testing": 4, "Kubernetes": 2, "Working with product": 3}
"""The interviewer's own. Mentoring is left open: it did not come up."""


def main() -> int:
    """Run the interview; returns 1 when a step failed or no server answered."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    arguments = _arguments()
    headers = {"Authorization": f"Bearer {arguments.api_key}"} if arguments.api_key else {}
    try:
        # a proxy from the environment must not come between this script and a local server
        with httpx.Client(
            base_url=arguments.base_url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
        ) as client:
            return Interview(Api(client)).run()
    except httpx.ConnectError:
        print(f"No server answers at {arguments.base_url}. Start it with `make run`, then run this again.")
    except httpx.TransportError as error:
        print(f"\nThe server stopped answering ({type(error).__name__}); look at its log.")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run one whole interview against a running server.")
    parser.add_argument("--base-url", default=os.environ.get("BASE_URL", "http://localhost:8000"))
    parser.add_argument("--api-key", default=os.environ.get("API_KEY"), help="for a server with authentication")
    return parser.parse_args()


class Interview:
    """The steps of an interview. A failed step is printed and counted, and the next ones run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._failures = 0
        self._room = ""
        self._chat: list[Json] = []
        self._transcript = _text("interview.vtt")

    def run(self) -> int:
        """Run every step; returns the exit code."""
        self._step("Look at the server", self._look)
        self._step("Open a room", self._open_room)
        if self._room:
            self._step("The candidate joins", self._join)
            self._step("Save the briefing", self._save_briefing)
            self._step("Plan the interview", self._plan)
            self._step("Ask the assistant", self._ask)
            self._step("Ask the assistant during the call, streamed", self._ask_streamed)
            self._step("Rate before the debrief", self._rate)
            self._step("Debrief the interview", self._debrief)
            self._step("Compare people and model", self._compare)
            self._step("Decide", self._decide)
            self._step("Fetch the reports", self._fetch_reports)
            self._step("Get a token for a voice candidate to practise with", self._get_voice_token)
            self._step("Delete everything", self._delete)
        return self._conclude()

    def _step(self, title: str, run: Callable[[], None]) -> None:
        print_title(title)
        try:
            run()
        except RequestFailed as error:
            self._failures += 1
            print_paragraph(f"This failed. {error}")

    def _conclude(self) -> int:
        print()
        if self._failures:
            print_paragraph(f"Steps that failed: {self._failures}. The reasons are printed above.", indent="")
            return 1
        print_paragraph("That was the whole interview. README.md shows the same calls in curl and HTTPie.", indent="")
        return 0

    def _look(self) -> None:
        health = self._api.call("GET", "/health")
        print_facts({"Service": f"{health['service']} {health['version']}", "Address": self._api.url})
        if health["sandbox"]:
            print_paragraph("It runs in the sandbox: vendors are emulated, and no language model is called.")

    def _open_room(self) -> None:
        body = {"interviewer_name": INTERVIEWER, "candidate_name": CANDIDATE, "expires_in_minutes": 60}
        room = self._api.call("POST", "/api/rooms", body)
        self._room = room["room_name"]
        print_facts(
            {
                "Room": room["room_name"],
                "Link": room["room_url"],
                "Ends": formatted_time(room["expires_at"]),
                "Interviewer's token": shortened(room["interviewer_token"]),
            }
        )

    def _join(self) -> None:
        body = {"participant_name": CANDIDATE, "participant_type": "candidate"}
        joined = self._api.call("POST", self._path("/join"), body)
        token, expires_at = shortened(joined["token"]), formatted_time(joined["expires_at"])
        print_facts({"Candidate's token": token, "Valid until": expires_at})

    def _save_briefing(self) -> None:
        body = {
            "candidate_name": CANDIDATE,
            "role": "Senior Backend Engineer, Payments",
            "resume_summary": _text("resume.txt"),
            "notes": _text("job.txt"),
            "focus_areas": FOCUS_AREAS,
        }
        prompt = self._api.call("POST", self._path("/briefing"), body)["briefing_prompt"]
        print_paragraph(f"The prompt for a voice or chat agent has {len(prompt):,} characters and begins:")
        print_excerpt(prompt)

    def _plan(self) -> None:
        plan = self._api.call("POST", self._path("/plan"), {"minutes": 45})
        for question in plan["questions"][:QUESTIONS_SHOWN]:
            source = question["because"]
            because = f" Because the {source['source']} says: “{source['text']}”" if source else ""
            print_paragraph(f"{question['focus_area']}, {question['minutes']} min: {question['text']}{because}")
        print_facts(
            {
                "Questions": len(plan["questions"]),
                "Not covered": ", ".join(plan["not_covered"]) or "none",
                "Scales": len(plan["scales"]),
            }
        )
        print_list("Warnings", plan["warnings"])

    def _rate(self) -> None:
        ratings = [{"competency": area, "rating": RATINGS.get(area)} for area in FOCUS_AREAS]
        submitted = self._api.call("PUT", self._path(f"/ratings/{RATER}"), {"ratings": ratings})
        print_scorecard(submitted["ratings"])
        print_paragraph(f"Sealed at {formatted_time(submitted['submitted_at'])}, before a model has rated anything.")

    def _compare(self) -> None:
        seen = self._api.call("GET", self._path(f"/ratings?rater={RATER}"))
        print_agreement(seen["agreement"])

    def _decide(self) -> None:
        body = {"decision": "hold", "reasons": "Strong on the ledger; a second talk about Kubernetes.", "rater": RATER}
        decided = self._api.call("PUT", self._path("/decision"), body)
        print_facts({"Decision": decided["decision"], "By": decided["rater"], "Because": decided["reasons"]})

    def _ask(self) -> None:
        question = "What should I ask about system design?"
        answer = self._api.call("POST", self._path("/chat"), {"message": question})
        print_paragraph(f"{INTERVIEWER}: {question}")
        print_paragraph(f"Assistant: {answer['response']}")
        print_facts({"Model": answer["model"], "Tokens": answer["usage"]["total_tokens"] or "not reported"})
        self._remember(question, answer["response"])

    def _ask_streamed(self) -> None:
        question = "What did the candidate say about Kubernetes?"
        body = {"message": question, "history": self._chat, "transcript": self._transcript}
        print_paragraph(f"{INTERVIEWER}: {question}")
        chunks = 0
        line = StreamPrinter("Assistant: ")
        for event, fields in self._api.events(self._path("/chat"), body):
            if event == "delta":
                chunks += 1
                line.add(fields["text"])
            elif event == "error":
                line.end()
                raise RequestFailed(fields["detail"])
            elif event == "done":
                line.end()
                print_facts({"Received": f"{chunks} chunks", "Ended": fields["finish_reason"]})
                self._remember(question, fields["response"])

    def _debrief(self) -> None:
        body = {"transcript": self._transcript, "notes": NOTES, "chat_history": self._chat}
        debrief = self._api.call("POST", self._path(f"/debrief?rater={RATER}"), body)
        print_paragraph(debrief["summary"])
        score = debrief["score"]
        print_facts(
            {
                "Recommendation": debrief["recommendation"],
                "Mean rating": f"{score['mean']} of 5, {score['assessed']} of {score['total']} assessed",
                "By the rule": score["rule"],
            }
        )
        print_scorecard(debrief["scorecard"])
        for title, kind in (("Strengths", "strength"), ("Improvements", "improvement")):
            print_claims(title, [claim for claim in debrief["evidence"] if claim["kind"] == kind])
        unsupported = [claim["claim"] for claim in debrief["unsupported"]]
        print_list("Not supported by any quote, so not counted", unsupported)
        print_list("Ask next time", debrief["follow_up_questions"])
        print_list("Warnings", debrief["warnings"])
        found = debrief["grounding"]
        print_paragraph(
            f"The model proposed {found['quotes_proposed']} quotes; {found['quotes_found']} of them are in the "
            f"transcript or the notes. {debrief['turns_read']} turns were read."
        )

    def _fetch_reports(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="debrief-"))
        for content_type, name in (("text/markdown", "debrief.md"), ("text/html", "debrief.html")):
            report = self._api.get_text(self._path(f"/debrief?rater={RATER}"), content_type)
            (folder / name).write_text(report, encoding="utf-8")
        print_paragraph("The Markdown report begins:")
        print_excerpt((folder / "debrief.md").read_text(encoding="utf-8"))
        print_facts({"Markdown": str(folder / "debrief.md"), "Open in a browser": str(folder / "debrief.html")})

    def _get_voice_token(self) -> None:
        token = self._api.call("POST", self._path("/realtime/token"), {"expires_in_seconds": 60})
        print_facts(
            {
                "Model": token["model"],
                "Modalities": ", ".join(token["modalities"]),
                "Client secret": shortened(token["client_secret"]),
                "Valid until": formatted_time(token["expires_at"]),
            }
        )

    def _delete(self) -> None:
        receipt = self._api.call("DELETE", self._path(""))
        counts = {name.replace("_", " ").capitalize(): count for name, count in receipt["deleted"].items() if count}
        print_facts({name: f"{count} deleted" for name, count in counts.items()})
        print_list("What remains to be done", receipt.get("remaining", []))

    def _remember(self, question: str, answer: str) -> None:
        self._chat += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]

    def _path(self, end: str) -> str:
        return f"/api/rooms/{self._room}{end}"


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
