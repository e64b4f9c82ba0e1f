"""Decoder for server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Byte order mark, which some proxies put before the first event."""


class SSEDecoder:
    """Turns the bytes of an event stream into `data` payloads, wherever chunks begin and end.

    Comments, event names and ids are ignored, because our vendors do not use them.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that this chunk completes."""
        is_held = bool(self._rest) and self._rest[-1].endswith(b"\r")
        self._rest.append(chunk)
        if not is_held and b"\n" not in chunk and b"\r" not in chunk:
            return []  # a very long line is joined once, not with each of its chunks
        text = b"".join(self._rest)
        is_held = text.endswith(b"\r")  # the other half of a CRLF may be in the next chunk
        lines = (text[:-1] if is_held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = [lines.pop() + (b"\r" if is_held else b"")]
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: bytes) -> bytes | None:
        line = line.removeprefix(_BYTE_ORDER_MARK)
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and self._data:
            event = b"\n".join(self._data)
            self._data.clear()
            return event
        return None
