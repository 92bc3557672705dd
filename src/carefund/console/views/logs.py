"""Both logs, for administrators: who was shown whose funding, and who changed what. Nothing here can be changed."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render

from carefund.access.access_log import find_named, list_entries, store_views
from carefund.access.audit_log import list_acts
from carefund.access.log_pages import cut_page
from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import may_administer
from carefund.console.page_access import Request, page
from carefund.console.url_numbers import read_number
from carefund.domain.wording import many
from carefund.records.models import Client

_PAGE_SIZE = 50
# Of the clients of one entry: in the log, and where it is looked at alone.
_FIRST_NAMES, _MOST_NAMES = 10, 1_000


_TONES = {AccessLogEntry.Action.EXPORTED.value: "warn", AccessLogEntry.Action.SYNCHRONISED.value: "info"}


@dataclass(frozen=True, slots=True)
class AccessLine:
    """An entry of the access log, the tone of its action, and the clients of a page with several."""

    entry: AccessLogEntry
    tone: str
    clients: list[Client]

    @property
    def in_words(self) -> str:
        """How many clients the entry is about, where it is not one."""
        number = self.entry.number_of_clients
        return many(number, "client") if number > 1 else "–"

    @property
    def is_cut(self) -> bool:
        """Whether there are more clients than are named."""
        return self.entry.number_of_clients > len(self.clients)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An entry of the audit log, and each value that differed: its name, before and after, as words."""

    entry: AuditEntry
    differences: list[tuple[str, str, str]]


@page(may_administer)
def show_access_log(request: Request) -> HttpResponse:
    """Who viewed, exported or synchronised whose funding, newest first; of an account, or about a client."""
    user_name = request.GET.get("user", "").strip()[:150]
    wanted = request.GET.get("client", "").strip()[:20]
    action = request.GET.get("action", "")
    action = action if action in AccessLogEntry.Action.values else ""
    entry_id = read_number(request.GET.get("entry", ""))
    most = _MOST_NAMES if entry_id else _FIRST_NAMES
    entries = list_entries(user_name=user_name, care_recipient_id=wanted, action=action, entry_id=entry_id)
    shown = cut_page(entries, _PAGE_SIZE, read_number(request.GET.get("before", "")))
    named = find_named(shown.entries, most)
    store_views(request.user, [*(entry.client_id for entry in shown.entries), *named], "Access log")
    context = {
        "heading": "Access log",
        "last_column": "Client",
        "older_before": shown.older_before,
        "lines": [
            AccessLine(entry, _TONES.get(entry.action, ""), _list_named(entry, named, most)) for entry in shown.entries
        ],
        "user_name": user_name,
        "client": wanted,
        "action": action,
        "actions": AccessLogEntry.Action.choices,
        "is_one": bool(entry_id),
    }
    return render(request, "console/access_log.html", context)


def _list_named(entry: AccessLogEntry, named: dict[int, Client], most: int) -> list[Client]:
    return [named[number] for number in entry.listed_ids[:most] if number in named]


@page(may_administer)
def show_audit_log(request: Request) -> HttpResponse:
    """What administrators, finance and commands changed, newest first, with before and after."""
    user_name = request.GET.get("user", "").strip()[:150]
    words = request.GET.get("words", "").strip()[:80]
    acts = list_acts(user_name=user_name, words=words)
    shown = cut_page(acts, _PAGE_SIZE, read_number(request.GET.get("before", "")))
    context = {
        "heading": "Audit log",
        "last_column": "Before and after",
        "older_before": shown.older_before,
        "lines": [AuditLine(act, _differences(act.before, act.after)) for act in shown.entries],
        "user_name": user_name,
        "words": words,
    }
    return render(request, "console/audit_log.html", context)


def _differences(before: dict[str, object], after: dict[str, object]) -> list[tuple[str, str, str]]:
    names = [*before, *(name for name in after if name not in before)]
    return [(name, _write(before.get(name)), _write(after.get(name))) for name in names]


def _write(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
