"""Server-sent events in the responses of this service."""

import json


def events(answer):
    """The events of a stream, in order."""
    blocks = [block for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    return [
        (block.split("\n")[0].removeprefix("event: "), json.loads(block.split("\n")[1].removeprefix("data: ")))
        for block in blocks
    ]
