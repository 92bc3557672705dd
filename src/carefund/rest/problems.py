"""How the API says no: one shape for every refusal."""

from typing import Any


class Problem(Exception):
    """A refusal with its HTTP status, a code for machines, a sentence, and a piece of advice."""

    def __init__(
        self, status: int, code: str, message: str, advice: str = "", problems: list[dict[str, Any]] | None = None
    ) -> None:
        self.status, self.code, self.message, self.advice = status, code, message, advice
        self.problems = problems or []
        super().__init__(code)

    def as_data(self) -> dict[str, Any]:
        """The body of the answer."""
        return {"code": self.code, "message": self.message, "advice": self.advice, "problems": self.problems}
