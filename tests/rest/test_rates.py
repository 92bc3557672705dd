"""Rates through the API: the same rules and the same entries in the audit log as by page."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connection
from django.http import HttpResponse

from carefund.access.models import AuditEntry
from carefund.access.roles import Role
from tests.rest.conftest import Call

pytestmark = pytest.mark.django_db
WANTED = {
    "code": "on_rate_6", "kind": "level", "name": "Level 6", "amount": "135.00",
    "from_date": date(2026, 7, 1).isoformat(), "published": "https://www.health.gov.au/rates-2026",
}  # fmt: skip


def test_a_rate_is_added_edited_undone_and_removed(call: Callable[..., Call]) -> None:
    ask, wanted = call(Role.ADMINISTRATOR), WANTED
    made = ask("post", "/rates", wanted)
    assert made.status_code == 201, made.content
    number = made.json()["rate_id"]
    assert (made.json()["code"], made.json()["entered_by"] != "") == ("6", True)
    changed = ask("put", f"/rates/{number}", wanted | {"amount": "136.00"}).json()["rate_id"]
    assert changed != number
    assert ask("put", f"/rates/{number}", wanted).status_code == 404
    assert ask("post", f"/rates/{changed}/undo").json()["rate_id"] == number
    assert ask("post", "/rates", wanted).json()["problems"][0]["field"] == "from_date"
    listed = [rate for rate in ask("get", "/rates").json() if rate["code"] == "6"]
    assert [rate["rate_id"] for rate in listed] == [None, number]
    assert ask("post", f"/rates/{number}/remove").status_code == 200
    assert AuditEntry.objects.filter(act__startswith="Rate").count() == 3
    assert call(Role.FINANCE)("post", "/rates", wanted).status_code == 403


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_acts_at_the_same_moment_are_done_one_after_another(call: Callable[..., Call]) -> None:
    """On SQLite whoever writes is alone anyway."""
    ask = call(Role.ADMINISTRATOR)
    number = ask("post", "/rates", WANTED).json()["rate_id"]
    edits = [lambda amount=amount: ask("put", f"/rates/{number}", WANTED | {"amount": amount}) for amount in "12"]
    assert at_once(*edits) == [200, 404]
    other = WANTED | {"code": "NEW"}
    kinds = [lambda kind=kind: ask("post", "/rates", other | {"kind": kind}) for kind in ("level", "tier")]
    assert at_once(*kinds) == [201, 422]


def at_once(*calls: Callable[[], HttpResponse]) -> list[int]:
    """Make calls at the same moment, each with its own connection; gives their statuses, the lowest first."""
    start = Barrier(len(calls), timeout=20)

    def make(call: Callable[[], HttpResponse]) -> int:
        try:
            start.wait()
            return call().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return sorted(threads.map(make, calls))
