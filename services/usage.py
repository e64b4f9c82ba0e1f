"""What an answer of a language model cost."""

from pydantic import BaseModel, ConfigDict


class Usage(BaseModel):
    """Tokens and cost as the provider counted them; null where it did not say. `cost` is in US dollars."""

    model_config = ConfigDict(frozen=True)

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
