"""Changes by API: every field that changed, in an order in which none is ever missed. No rules here."""

from datetime import datetime
from typing import Any

from ninja import Query, Router, Schema

from carefund.access.access_log import store_views
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_read
from carefund.records.care_recipient.changes import list_changes_after
from carefund.records.change_order import find_complete_id
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import OfClientPage
from carefund.sync.change_log.entries import ChangeRow
from carefund.sync.change_log.sentences import write_lines

router = Router(tags=["changes"])


class ChangeOut(Schema):
    """One field of one record that changed, or one record that came or went (`field` is empty then).

    `cause`: `funder` (the funder said something else), `reading` (Carefund reads the same answer otherwise than before)
    or `person` (`made_by` edited). `before` and `after` are as stored; `sentence` is what people read.
    """

    change_id: int
    client_id: int
    care_recipient_id: str | None
    external_reference_id: str
    kind: str
    action: str
    key: list[str | None]
    field: str
    before: str | None
    after: str | None
    fetched_at: datetime
    cause: str
    made_by: str | None
    sentence: str


class ChangesOut(Schema):
    """Changes in their order. Ask again with `after` set to `next_after`: at once if `has_more`, else later."""

    changes: list[ChangeOut]
    next_after: int
    has_more: bool


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: ChangesOut, **NOT_CHANGED, **refusals(422)},
    operation_id="list_changes",
)
def list_page(request: AuthenticatedRequest, wanted: Query[OfClientPage]) -> dict[str, Any]:
    """What changed for the clients whom the token may read, since an earlier answer; each change comes once. Begin with
    0.

    A change that is being written holds back those after it until it is there, so following `next_after` misses none.
    """
    complete = find_complete_id()
    if wanted.after > complete:
        problem = LineProblem(line=None, field="after", message="is after the newest change there ever was")
        raise ApiProblem(
            "invalid",
            "This installation has never given this number.",
            advice="Begin again with 0: the database may have been restored from a backup.",
            problems=[problem],
        )
    clients = list_clients_for(request.auth)
    rows = list_changes_after(clients, wanted.after, until_id=complete, client_id=wanted.client_id)
    found = list(rows[: wanted.limit + 1])
    shown, has_more = found[: wanted.limit], len(found) > wanted.limit
    store_views(request.auth, [change.client_id for change in shown], "Changes (API)")
    return {
        "changes": [_describe(line) for line in write_lines(shown)],
        "next_after": shown[-1].pk if has_more else complete,
        "has_more": has_more,
    }


def _describe(line: ChangeRow) -> dict[str, Any]:
    change = line.change
    return {
        **{name: getattr(change, name) for name in ChangeOut.model_fields if hasattr(change, name)},
        "change_id": change.pk,
        "care_recipient_id": change.client.care_recipient_id,
        "external_reference_id": change.client.external_reference_id,
        "sentence": line.sentence,
    }
