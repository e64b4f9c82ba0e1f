"""Reads stored JSON documents."""

import logging
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.errors import UnreadableRecord

log = logging.getLogger(__name__)

Document = TypeVar("Document", bound=BaseModel)


def read_document(model: type[Document], document: str, what: str) -> Document:
    """The stored document; `what` names its kind for people.

    Raises UnreadableRecord for one of another version. The log names its fields and shows nothing of its content.
    """
    try:
        return model.model_validate_json(document)
    except ValidationError as error:
        fields = {".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)}
        log.error("a stored %s can't be read: %s", what, ", ".join(sorted(fields)) or "it is not JSON")  # noqa: TRY400
        raise UnreadableRecord(what) from None
