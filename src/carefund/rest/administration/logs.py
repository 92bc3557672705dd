"""Both logs by API: who was shown whose funding, and who changed what. Nothing here can be changed."""

from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router, Schema

from carefund.access.access_log import list_entries, store_views
from carefund.access.audit_log import list_acts
from carefund.access.models import AccessLogEntry
from carefund.access.roles import may_administer
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import After, Given, PageSize, Searched

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))
_MOST_NAMED = 500  # clients of one entry


class LogFilter(Given):
    """Which entries: those before a number, of an account whose name has this text."""

    before: After = 0
    limit: PageSize = 100
    account: Searched = ""


class AccessPage(LogFilter):
    """Which entries of the access log: of one action, or about one client."""

    action: Literal["", "viewed", "exported", "synchronised", "used"] = ""
    care_recipient_id: Searched = ""


class AuditPage(LogFilter):
    """Which entries of the audit log: those with these words."""

    words: Searched = ""


class AccessEntryOut(Schema):
    """Somebody was shown, took out or synchronised somebody's funding; or a call that showed nobody. `client_ids` are
    the first 500."""

    entry_id: int
    at: datetime
    account: str
    action: str
    what: str
    number_of_clients: int
    client_ids: list[int]


class AccessLogOut(Schema):
    """Entries, newest first. Ask again with `before` set to `next_before`; null: there are no more."""

    entries: list[AccessEntryOut]
    next_before: int | None


class AuditEntryOut(Schema):
    """An act, with what differed before and after."""

    entry_id: int
    at: datetime
    account: str
    act: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


class AuditLogOut(Schema):
    """Entries, newest first. Ask again with `before` set to `next_before`; null: there are no more."""

    entries: list[AuditEntryOut]
    next_before: int | None


@router.get(
    "/access-log", auth=_MAY, response={200: AccessLogOut, **NOT_CHANGED, **refusals()}, operation_id="list_access_log"
)
def show_access_log(request: AuthenticatedRequest, wanted: Query[AccessPage]) -> dict[str, Any]:
    """Who viewed, exported or synchronised whose funding. Reading it is an entry as well."""
    entries = list_entries(
        user_name=wanted.account,
        care_recipient_id=wanted.care_recipient_id,
        action=wanted.action,
        before_id=wanted.before,
    )
    found = list(entries[: wanted.limit + 1])
    shown = [_describe_access(entry) for entry in found[: wanted.limit]]
    store_views(request.auth, (number for entry in shown for number in entry["client_ids"]), "Access log (API)")
    return {"entries": shown, "next_before": shown[-1]["entry_id"] if len(found) > wanted.limit else None}


@router.get(
    "/audit-log", auth=_MAY, response={200: AuditLogOut, **NOT_CHANGED, **refusals()}, operation_id="list_audit_log"
)
def show_audit_log(request: AuthenticatedRequest, wanted: Query[AuditPage]) -> dict[str, Any]:
    """What administrators, finance, tokens and the terminal changed, with before and after."""
    acts = list_acts(user_name=wanted.account, words=wanted.words, before_id=wanted.before)
    found = list(acts[: wanted.limit + 1])
    names = ("at", "act", "subject", "before", "after")
    shown = [
        {"entry_id": act.pk, "account": act.user_name, **{name: getattr(act, name) for name in names}}
        for act in found[: wanted.limit]
    ]
    return {"entries": shown, "next_before": shown[-1]["entry_id"] if len(found) > wanted.limit else None}


def _describe_access(entry: AccessLogEntry) -> dict[str, Any]:
    one = [entry.client_id] if entry.client_id is not None else []
    names = ("at", "action", "what", "number_of_clients")
    values = {name: getattr(entry, name) for name in names}
    return {
        **values,
        "entry_id": entry.pk,
        "account": entry.user_name,
        "client_ids": one or entry.listed_ids[:_MOST_NAMED],
    }
