"""Alerts by API: the same as on the page, and the rules for those who administer."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.domain.alerts import AlertKind, AlertRule, FoundAlert
from carefund.records.alerts.store import find_rules, store_found
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

pytestmark = pytest.mark.django_db


def test_alerts_come_page_by_page_to_those_who_may_see_them(call: Callable[..., Call], add_client: Any):
    ours, theirs = (
        add_client(key, service_provider_id=branch)
        for key, branch in (("400000001", BRANCH), ("400000002", OTHER_BRANCH))
    )
    found = [FoundAlert(AlertKind.LOSS, str(client.pk), client.pk, amount=Decimal("5.00")) for client in (ours, theirs)]
    store_found([*found, FoundAlert(AlertKind.WINDOW, "x", None, BRANCH)], timezone.now())
    ask = call()
    first = ask("get", "/alerts?limit=2").json()
    assert [alert["client_id"] for alert in first["alerts"]] == [ours.pk, theirs.pk]
    second = ask("get", f"/alerts?after={first['next_after']}").json()
    assert [(alert["kind"], second["next_after"]) for alert in second["alerts"]] == [("window-closes", None)]
    assert AccessLogEntry.objects.filter(what="Alerts (API)").exists()
    for narrowed in (call(Role.COORDINATOR), call(Role.COORDINATOR, branches=(BRANCH,))):
        assert [alert["client_id"] for alert in narrowed("get", "/alerts").json()["alerts"]] == [ours.pk]
    assert len(call(branches=(BRANCH,))("get", "/alerts").json()["alerts"]) == 2
    assert ask("get", "/alerts?kind=other").status_code == 422


def test_a_rule_is_changed_by_those_who_administer(call: Callable[..., Call]):
    assert call()("put", "/alerts/rules/loss", {"is_on": False}).status_code == 403
    ask = call(Role.ADMINISTRATOR)
    answer = ask("put", "/alerts/rules/loss", {"is_on": True, "days": 3, "amount": "9.00"}, {"Idempotency-Key": "1"})
    assert answer.json() == {"kind": "loss", "is_on": True, "days": 3, "amount": "9.00"}
    assert find_rules()[AlertKind.LOSS] == AlertRule(days=3, amount=Decimal("9.00"))
    assert answer.json() in ask("get", "/alerts/rules").json()
    assert AuditEntry.objects.filter(act="Alert rules changed").count() == 1
    for wrong in (
        {"is_on": True, "days": 3},
        {"is_on": True, "days": 3, "amount": "100000.01"},
        {"is_on": True, "days": 366, "amount": "1.00"},
    ):
        assert ask("put", "/alerts/rules/loss", wrong).status_code == 422
    assert ask("put", "/alerts/rules/claim-refused", {"is_on": True, "days": 3}).status_code == 422
