"""Webhooks by API: add, change, switch, rotate, and look at deliveries. The same rules as by page."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Field, Path, Query, Router, Schema, Status

from carefund.access.gate import reads_every_branch, require
from carefund.access.roles import may_administer
from carefund.records.models import WebhookDelivery, WebhookEndpoint
from carefund.records.webhooks.store import find_endpoint, list_deliveries, list_endpoints
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import After, Flag, Given, Number, PageSize, Text
from carefund.runs.webhooks import managing

router = Router(tags=["webhooks"])
Event = Literal[
    "budget.changed",
    "plan.changed",
    "contract.differs",
    "sync.failed",
    "run.finished",
    "claim.approved",
    "claim.refused",
    "key.expiring",
]
EndpointId = Annotated[Number, Path()]


class WebhookIn(Given):
    """A webhook: where messages go, and of which events. `has_names`: messages have the client's name."""

    name: Annotated[Text, Field(min_length=1, max_length=80, pattern=r"\S")]
    url: Annotated[Text, Field(min_length=1, max_length=managing.LONGEST_URL)]
    events: list[Event] = Field(min_length=1, max_length=20)
    has_names: Flag = False


class WebhookOut(Schema):
    """A webhook. `off_reason` says why it is off; until `resting_until` it is left alone after failures."""

    webhook_id: int
    name: str
    url: str
    events: list[str]
    has_names: bool
    is_on: bool
    off_reason: str
    resting_until: datetime | None
    created_at: datetime


class SecretsOut(Schema):
    """The secrets with which messages are signed, newest first: two for a day after a rotation."""

    secrets: list[str]


class DeliveryOut(Schema):
    """A message to a webhook; `status` is that of the last answer, `problem` why it did not arrive."""

    delivery_id: int
    message_id: str
    event: str
    client_id: int | None
    state: str
    happened_at: datetime
    attempts: int
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    status: int | None
    problem: str


class DeliveriesOut(Schema):
    """A page of deliveries, newest first. Ask again with `before` set to `next_before`; null: there are no more."""

    deliveries: list[DeliveryOut]
    next_before: int | None


class DeliveryPage(Given):
    """Which deliveries: those before a number."""

    before: After = 0
    limit: PageSize = 50


def may_manage(user: Any) -> bool:
    """Whether someone may manage webhooks: messages are about clients of every branch."""
    return may_administer(user) and reads_every_branch(user)


@router.get(
    "",
    auth=BearerToken(may_manage),
    response={200: list[WebhookOut], **NOT_CHANGED, **refusals()},
    operation_id="list_webhooks",
)
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """Every webhook."""
    return [_describe(endpoint) for endpoint in list_endpoints()]


@router.post(
    "", auth=BearerToken(may_manage), response={201: WebhookOut, **refusals(413, 415, 503)}, operation_id="add_webhook"
)
def add(request: AuthenticatedRequest, wanted: WebhookIn) -> Status[dict[str, Any]]:
    """Add a webhook. It is told what happens from now on. Its secret is at `/webhooks/{webhook_id}/secrets`."""
    return Status(201, _describe(managing.add(request.auth, _read(wanted))))


@router.get(
    "/{webhook_id}",
    auth=BearerToken(may_manage),
    response={200: WebhookOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_webhook",
)
def show(request: AuthenticatedRequest, webhook_id: EndpointId) -> dict[str, Any]:
    """Return a webhook."""
    return _describe(find_endpoint(webhook_id))


@router.put(
    "/{webhook_id}",
    auth=BearerToken(may_manage),
    response={200: WebhookOut, **refusals(404, 413, 415)},
    operation_id="edit_webhook",
)
def edit(request: AuthenticatedRequest, webhook_id: EndpointId, wanted: WebhookIn) -> Status[dict[str, Any]]:
    """Change a webhook."""
    return Status(200, _describe(managing.edit(request.auth, webhook_id, _read(wanted))))


@router.delete(
    "/{webhook_id}", auth=BearerToken(may_manage), response={204: None, **refusals(404)}, operation_id="remove_webhook"
)
def remove(request: AuthenticatedRequest, webhook_id: EndpointId) -> Status[None]:
    """Remove a webhook and its deliveries."""
    managing.remove(request.auth, webhook_id)
    return Status(204, None)


@router.get(
    "/{webhook_id}/secrets",
    auth=BearerToken(may_manage),
    response={200: SecretsOut, **NOT_CHANGED, **refusals(404, 503)},
    operation_id="list_webhook_secrets",
)
def show_secrets(request: AuthenticatedRequest, webhook_id: EndpointId) -> dict[str, Any]:
    """Return the secrets that count. The audit log says that they were shown."""
    return {"secrets": managing.show_secrets(request.auth, webhook_id)}


@router.get(
    "/{webhook_id}/deliveries",
    auth=BearerToken(may_manage),
    response={200: DeliveriesOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_webhook_deliveries",
)
def list_page(request: AuthenticatedRequest, webhook_id: EndpointId, wanted: Query[DeliveryPage]) -> dict[str, Any]:
    """The messages to a webhook, newest first. They are kept for 30 days."""
    found = list(list_deliveries(find_endpoint(webhook_id), before_id=wanted.before)[: wanted.limit + 1])
    shown = found[: wanted.limit]
    return {
        "deliveries": [_describe_delivery(delivery) for delivery in shown],
        "next_before": shown[-1].pk if len(found) > wanted.limit else None,
    }


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/send-again",
    auth=BearerToken(may_manage),
    response={202: DeliveryOut, **refusals(404)},
    operation_id="send_webhook_again",
)
def send_again(
    request: AuthenticatedRequest, webhook_id: EndpointId, delivery_id: Annotated[Number, Path()]
) -> Status[dict[str, Any]]:
    """Send a message again, under the same `message_id`."""
    _require_on(webhook_id)
    return Status(202, _describe_delivery(managing.send_again(request.auth, webhook_id, delivery_id)))


@router.post(
    "/{webhook_id}/{step}",
    auth=BearerToken(may_manage),
    response={200: WebhookOut, **refusals(404, 409, 503)},
    operation_id="steer_webhook",
)
def steer(
    request: AuthenticatedRequest,
    webhook_id: EndpointId,
    step: Annotated[Literal["switch-on", "switch-off", "rotate-secret", "test"], Path()],
) -> Status[dict[str, Any]]:
    """Switch a webhook on or off, sign with a new secret (for a day also with the old one), or send a test message."""
    require(request.auth, may_manage)
    if step == "rotate-secret":
        managing.rotate(request.auth, webhook_id)
    elif step == "test":
        _require_on(webhook_id)
        managing.send_test(request.auth, webhook_id)
    else:
        managing.switch(request.auth, webhook_id, on=step == "switch-on")
    return Status(200, _describe(find_endpoint(webhook_id)))


def _require_on(webhook_id: int) -> None:
    if not find_endpoint(webhook_id).is_on:
        raise ApiProblem("conflict", "The webhook is off.", advice="Turn it on first.")


def _read(wanted: WebhookIn) -> managing.Wanted:
    """Return what is wanted. Raise ApiProblem for what cannot be."""
    found = managing.Wanted(wanted.name.strip(), wanted.url, list(dict.fromkeys(wanted.events)), wanted.has_names)
    problems = [
        LineProblem(line=None, field=field, message=message) for field, message in found.find_problems().items()
    ]
    if problems:
        raise ApiProblem("invalid", problems=problems)
    return found


def _describe(endpoint: WebhookEndpoint) -> dict[str, Any]:
    values = {name: getattr(endpoint, name) for name in WebhookOut.model_fields if hasattr(endpoint, name)}
    return {"webhook_id": endpoint.pk, **values}


def _describe_delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    values = {name: getattr(delivery, name) for name in DeliveryOut.model_fields if hasattr(delivery, name)}
    return {"delivery_id": delivery.pk, **values}
