"""First contact by API: descriptions compared and accepted, the interfaces tried, what was seen taken away."""

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpResponse
from ninja import Field, Router, Schema, Status

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_read
from carefund.access.roles import may_administer
from carefund.domain.fingerprints import fingerprint_of
from carefund.funders.interfaces.documents import WrongDescription
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import Digest, Given, Text, WholeNumber
from carefund.runs.trials import find_newest_trial, request_trial
from carefund.sync.interface_proposals import (
    ComparedDescriptions,
    NotAccepted,
    accept,
    discard_compared,
    find_compared,
    preview,
    read_uploads,
    require_compared,
    summarise_interfaces,
    waits_for_restart,
)
from carefund.sync.shareable_description import describe_archived
from carefund.sync.trials import write_findings

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))
_TOML: dict[str, Any] = {"description": "The file.", "content": {"application/toml": {"schema": {"type": "string"}}}}
_Keys = Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=2000)]


class DescriptionFileIn(Given):
    """A description of an interface: OpenAPI as JSON or YAML, or WSDL."""

    file_name: Annotated[Text, Field(min_length=1, max_length=120)]
    content: Annotated[str, Field(min_length=1)]


class DescriptionsIn(Given):
    """Descriptions that belong together."""

    files: Annotated[list[DescriptionFileIn], Field(min_length=1, max_length=40)]


class AgreedIn(Given):
    """The keys of the questions that are answered with yes; all others with no."""

    agreed: _Keys = []


class AcceptedIn(AgreedIn):
    """The same answers, with the fingerprint of the file that comes of them."""

    fingerprint: Digest


class TrialIn(Given):
    """The client whom the interfaces are tried with."""

    client_id: WholeNumber


class SpellingOut(Schema):
    """A spelling that is not sure."""

    key: str
    text: str
    confidence: float
    is_likely: bool


class FindingsOut(Schema):
    """What a trial found, under a heading."""

    heading: str
    lines: list[str]


class InterfacesOut(Schema):
    """The interfaces in use (empty: as publicly known), descriptions that wait for a decision, and the last trial."""

    in_use: str
    waits_for_restart: bool
    files: list[str]
    questions: list[SpellingOut]
    trial: RunItemOut | None
    findings: list[FindingsOut]


class AcceptPreviewOut(Schema):
    """The file that would come of the answers, and what stays open. Hand `fingerprint` back to accept exactly this."""

    text: str
    open_points: list[str]
    fingerprint: str


@router.get("", auth=_MAY, response={200: InterfacesOut, **NOT_CHANGED, **refusals()}, operation_id="find_interfaces")
def show(request: AuthenticatedRequest) -> dict[str, Any]:
    """Return which interfaces are spoken, and what waits for a decision."""
    return _describe(find_compared())


@router.put(
    "/descriptions", auth=_MAY, response={200: InterfacesOut, **refusals(413, 415)}, operation_id="compare_descriptions"
)
def compare(request: AuthenticatedRequest, wanted: DescriptionsIn) -> Status[dict[str, Any]]:
    """Compare descriptions with the interfaces in use. What was found waits until it is accepted or discarded."""
    try:
        uploads = [(file.file_name, file.content.encode()) for file in wanted.files]
        with one_act():
            read_uploads(uploads)
            store_act(request.auth, "Interface descriptions compared", f"{len(uploads)} files")
    except (WrongDescription, UnicodeEncodeError) as fault:
        message = str(fault) if isinstance(fault, WrongDescription) else "has characters that are not text"
        raise ApiProblem("invalid", problems=[LineProblem(line=None, field="files", message=message)]) from None
    return Status(200, _describe(find_compared()))


@router.delete("/descriptions", auth=_MAY, response={204: None, **refusals()}, operation_id="discard_descriptions")
def discard(request: AuthenticatedRequest) -> Status[None]:
    """Forget what was compared."""
    discard_compared()
    return Status(204, None)


@router.post(
    "/descriptions/preview",
    auth=_MAY,
    response={200: AcceptPreviewOut, **refusals(404, 409, 413, 415)},
    operation_id="preview_interfaces",
)
def look(request: AuthenticatedRequest, wanted: AgreedIn) -> Status[dict[str, Any]]:
    """Return the interfaces file that would come of these answers. Nothing is stored."""
    text, open_points = _preview(require_compared(), wanted.agreed)
    return Status(200, {"text": text, "open_points": list(open_points), "fingerprint": fingerprint_of([text])})


@router.post(
    "/descriptions/accept",
    auth=_MAY,
    response={200: InterfacesOut, **refusals(404, 409, 413, 415)},
    operation_id="accept_interfaces",
)
def agree(request: AuthenticatedRequest, wanted: AcceptedIn) -> Status[dict[str, Any]]:
    """Write the interfaces file that was previewed. Carefund uses it once it has been restarted."""
    compared = require_compared()
    text, _ = _preview(compared, wanted.agreed)
    if fingerprint_of([text]) != wanted.fingerprint:
        raise ApiProblem("preview-changed")
    with one_act():
        store_act(request.auth, "Interfaces file accepted", f"{len(compared.files)} descriptions")
        accept(compared, wanted.agreed)
    return Status(200, _describe(None))


@router.post("/trial", auth=_MAY, response={202: RunOut, **refusals(404, 413, 415, 503)}, operation_id="try_interfaces")
def attempt(request: AuthenticatedRequest, wanted: TrialIn) -> Status[dict[str, Any]]:
    """Have each reading operation tried once with a client. No record is written. Follow it at `/runs/{run_id}`."""
    client = find_client_to_read(request.auth, wanted.client_id)
    if not client.care_recipient_id:
        problem = LineProblem(line=None, field="client_id", message="has no Care Recipient ID")
        raise ApiProblem("invalid", problems=[problem])
    store_synchronisation(request.auth, client, "Trial of the interfaces (API)")
    return Status(202, describe_run(request_trial(client, request.auth)))


@router.get(
    "/seen",
    auth=_MAY,
    response={200: None, **NOT_CHANGED, **refusals(404)},
    operation_id="describe_interfaces",
    openapi_extra={"responses": {200: _TOML}},
)
def download(request: AuthenticatedRequest) -> Any:
    """Return what the archives say of how answers are written, without a value, as a file to share."""
    text = describe_archived()
    store_act(request.auth, "Interfaces described for sharing")
    return HttpResponse(text, content_type="application/toml")


def _preview(compared: ComparedDescriptions, agreed: list[str]) -> tuple[str, tuple[str, ...]]:
    try:
        return preview(compared, agreed)
    except NotAccepted as fault:
        raise ApiProblem("conflict", str(fault), advice="Answer the questions differently.") from None


def _describe(compared: ComparedDescriptions | None) -> dict[str, Any]:
    trial = find_newest_trial()
    findings = write_findings(trial.result) if trial and trial.result else []
    names = ("key", "text", "confidence", "is_likely")
    return {
        "in_use": summarise_interfaces() if settings.INTERFACES_FILE else "",
        "waits_for_restart": waits_for_restart(),
        "files": list(compared.files) if compared else [],
        "questions": [
            {name: getattr(question, name) for name in names} for question in (compared.questions if compared else ())
        ],
        "trial": describe_item(trial) if trial else None,
        "findings": [{"heading": heading, "lines": lines} for heading, lines in findings],
    }
