"""How the API says no: RFC 9457's problem details for every refusal, with a stable code and a piece of advice.

Every kind of refusal stands in the table here. `type` points to `GET /api/v1/problems`, which shows it to everybody.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any, NamedTuple

from django.http import HttpResponse, JsonResponse
from ninja import Field, Schema

from carefund.funders.errors.answers import BadAnswer, UnexpectedStatus
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.people import AuthorityMissing, ConsentMissing, IdentityNotMatched, MalformedId, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.errors.tree import all_leaves
from carefund.sync.ndis.problems import NothingChosen, PaceProblem, PreviewUnknown

_PACE_STATUSES: dict[type[PaceProblem], int] = {NothingChosen: 422, PreviewUnknown: 404}  # whatever is not listed: 409
ADDRESS = "/api/v1/problems"
PREFIX = "/api/"  # of every address of the API
MEDIA_TYPE = "application/problem+json"
_FUNDER = "funder-"


class ProblemKind(NamedTuple):
    """One kind of refusal: its status, what it is, and what to do; the same for every occurrence."""

    status: int
    title: str
    advice: str = ""


KINDS: dict[str, ProblemKind] = {
    "malformed": ProblemKind(
        400, "The request cannot be read.", "Send JSON in UTF-8, to the address that people use for the console."
    ),
    "no-valid-token": ProblemKind(
        401, "There is no valid token.", "Send `Authorization: Bearer cft_…`. Create a new token if needed."
    ),
    "not-encrypted": ProblemKind(
        403, "The call was not encrypted.", "Use https. Replace this token: others may have read it."
    ),
    "not-allowed": ProblemKind(
        403,
        "The token does not have permission.",
        "Create a token with this scope, or give its account a role with this permission.",
    ),
    "not-found": ProblemKind(404, "Nothing was found."),
    "method-not-allowed": ProblemKind(
        405, "The method is not allowed at this address.", "Use a method listed in the Allow header."
    ),
    "key-in-use": ProblemKind(
        409, "A call with this Idempotency-Key is in progress.", "Wait, then send the same call again."
    ),
    "preview-changed": ProblemKind(
        409, "What was previewed has changed. Nothing was done.", "Preview it again, then send the new fingerprint."
    ),
    "conflict": ProblemKind(
        409, "The stored values are different.", "Use a new reference, or withdraw the batch first."
    ),
    "too-large": ProblemKind(413, "The body is too large.", "Send less data in one request."),
    "unsupported-media-type": ProblemKind(
        415, "The body does not have the content type JSON.", "Send Content-Type: application/json."
    ),
    "key-reused": ProblemKind(
        422, "This Idempotency-Key was sent with another call.", "Use a new key for each call of your own."
    ),
    "invalid": ProblemKind(
        422, "Some values have problems. Nothing was saved.", "Correct the values listed in `problems`."
    ),
    "too-many-calls": ProblemKind(
        429, "The token has no calls left in this minute.", "Wait for the seconds in Retry-After, then try again."
    ),
    "too-many-attempts": ProblemKind(429, "Too many calls without a valid token.", "Wait, then send a valid token."),
    "unavailable": ProblemKind(
        503,
        "The database cannot be used now. Nothing was saved.",
        "Wait for the seconds in Retry-After, then try again.",
    ),
    "internal": ProblemKind(
        500, "Carefund failed. Nothing was saved.", "Try again. If it happens again, check Carefund's log."
    ),
}
_CODES = {kind.status: code for code, kind in KINDS.items()}
# How a funder's refusal looks from outside; whatever is not listed is this installation's access: 503.
_FUNDER_STATUSES: tuple[tuple[type[FunderError], int], ...] = (
    (NotFound, 404),
    (IdentityNotMatched, 404),
    (ConsentMissing, 409),
    (AuthorityMissing, 409),
    (MalformedId, 422),
    (BadAnswer, 502),
    (WrongAddress, 502),
    (RequestRejected, 502),
    (UnexpectedStatus, 502),
)
_UNAVAILABLE = 503


class LineProblem(Schema):
    """One thing that is wrong; `line` counts from 1 and is null for what belongs to the whole."""

    line: int | None
    field: str
    message: str


class ProblemOut(Schema):
    """A refusal (RFC 9457). `code` is stable; `problems` names each value that is wrong."""

    type: str = Field(description=f"Where {ADDRESS} explains this kind of refusal.")
    title: str
    status: int
    detail: str
    code: str
    advice: str
    problems: list[LineProblem]


class KindOut(Schema):
    """A kind of refusal."""

    type: str
    title: str
    status: int
    advice: str


NOT_CHANGED: dict[int, None] = {304: None}  # what a read documents beside its answer: whoever has it already


def refusals(*statuses: int) -> dict[int, type[ProblemOut]]:
    """Return what an operation documents: the statuses with which it may refuse, beside those of every operation."""
    return dict.fromkeys(sorted({400, 401, 403, 422, 429, *statuses}), ProblemOut)


class ApiProblem(Exception):
    """A refusal by one of the codes above; `detail` and `advice` say more than the kind does where they can."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        advice: str = "",
        problems: Sequence[LineProblem] = (),
        retry_after: int = 0,
    ) -> None:
        self.code, self.detail, self.advice, self.problems = code, detail, advice, problems
        self.retry_after = retry_after
        super().__init__(code)

    def as_response(self) -> HttpResponse:
        """Return the answer."""
        kind = KINDS[self.code]
        detail, advice = self.detail or kind.title, self.advice or kind.advice
        answer = _response(self.code, kind._replace(advice=advice), detail, problems=self.problems)
        if self.retry_after:
            answer["Retry-After"] = str(self.retry_after)
        return answer


def answer_status(status: int, *, reference: str = "") -> HttpResponse:
    """Return the answer for a status alone; one that is not listed is the nearest of its class."""
    detail = f"Carefund failed. Find reference {reference} in its log." if reference else ""
    return ApiProblem(_CODES.get(status, "malformed" if status < 500 else "internal"), detail).as_response()


def answer_funder_error(error: FunderError) -> HttpResponse:
    """Return the answer for a funder's refusal: its own code and advice, and a status that says whose fault it is."""
    kind = _funder_kind(type(error))
    answer = _response(error.code, kind, error.message, where=_FUNDER + error.code)
    retry_after = getattr(error, "retry_after", None)
    if retry_after:
        answer["Retry-After"] = str(ceil(retry_after))
    return answer


def answer_pace_problem(problem: PaceProblem) -> HttpResponse:
    """Return the answer for what stands between a client and a contract from PACE."""
    return _response(problem.code, _pace_kind(type(problem)), problem.message)


def answer_not_retrieved(code: str, message: str, advice: str) -> HttpResponse:
    """Return the answer where a question about a client brought no plan: with the code of what it met."""
    known = {kind["type"].rpartition("#")[2] for kind in list_kinds()}
    where = next((name for name in (code, _FUNDER + code) if name in known), "conflict")
    kind = ProblemKind(409, "No plan was retrieved from the NDIA.", advice)
    return _response(code, kind, message, where=where)


def list_kinds() -> list[dict[str, Any]]:
    """Return every kind of refusal, the funders' too."""
    kinds = KINDS | {problem.code: _pace_kind(problem) for problem in PaceProblem.__subclasses__()}
    kinds |= {_FUNDER + leaf.code: _funder_kind(leaf) for leaf in all_leaves()}
    return [{"type": f"{ADDRESS}#{name}", **kind._asdict()} for name, kind in kinds.items()]


def _pace_kind(problem: type[PaceProblem]) -> ProblemKind:
    return ProblemKind(_PACE_STATUSES.get(problem, 409), " ".join(str(problem.__doc__).split()), problem.advice)


def _funder_kind(error: type[FunderError]) -> ProblemKind:
    status = next((status for kind, status in _FUNDER_STATUSES if issubclass(error, kind)), _UNAVAILABLE)
    return ProblemKind(status, " ".join((error.__doc__ or error.code).split()), error.advice)


def _response(
    code: str, kind: ProblemKind, detail: str, *, where: str = "", problems: Sequence[LineProblem] = ()
) -> HttpResponse:
    body = {
        "type": f"{ADDRESS}#{where or code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": code,
        "advice": kind.advice,
        "problems": [problem.model_dump() for problem in problems],
    }
    return JsonResponse(body, status=kind.status, content_type=MEDIA_TYPE)
