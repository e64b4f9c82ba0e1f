"""A client of the API that turns problem documents into exceptions."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx

Json = dict[str, Any]


class RequestFailed(Exception):
    """The server responded with an error. The text is its `detail` and status."""


class Api:
    """Sends requests and returns response bodies. Methods raise RequestFailed where the server reports an error."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.url = str(client.base_url)

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The JSON object of the response."""
        answer: Json = self._send(method, path, json=body).json()
        return answer

    def get_text(self, path: str, content_type: str) -> str:
        """The response in this content type."""
        return self._send("GET", path, headers={"Accept": content_type}).text

    def events(self, path: str, body: Json) -> Iterator[tuple[str, Json]]:
        """The server-sent events of a POST: the name and the data of each."""
        with self._client.stream("POST", path, json=body, headers={"Accept": "text/event-stream"}) as response:
            if response.is_error:
                response.read()
                raise RequestFailed(_detail(response))
            event = ""
            for line in response.iter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    yield event, json.loads(line.removeprefix("data:"))

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._client.request(method, path, **options)
        if response.is_error:
            raise RequestFailed(_detail(response))
        return response


def _detail(response: httpx.Response) -> str:
    try:
        detail = f"{response.json()['detail']} (status {response.status_code})"
    except (ValueError, KeyError, TypeError):
        return f"The server responded with {response.status_code} and gave no reason."
    return detail + _KEY_HINT if response.status_code == HTTPStatus.UNAUTHORIZED else detail


_KEY_HINT = "; run `make demo API_KEY=<key>` with one of the server's keys"
