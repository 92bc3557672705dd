"""`carefund interfaces try --writes`: each write shown with its address and body, and sent after a yes alone."""

import io
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings

from carefund.access.audit_log import list_acts
from tests.cli.one_person.conftest import Terminal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
PERSON = "400000003"


def answer(terminal: Terminal, monkeypatch: Any, answers: str) -> Any:
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    return terminal.type("interfaces", "try", PERSON, "--writes")


def test_each_write_is_confirmed_by_itself(terminal: Terminal, monkeypatch: Any):
    unknown = answer(terminal, monkeypatch, "")
    assert "No approved service or Service Provider ID of this client is known." in unknown.out
    assert terminal.type("sync", PERSON).status == 0
    refused = answer(terminal, monkeypatch, "n\n" * 8)
    assert refused.status == 0, refused.err
    assert refused.out.count("POST http") >= 7
    assert f"{terminal.sandbox.url}/services-australia/claiming/ext-vnd/acws/service/support-at-home/claim/v1" in (
        refused.out
    )
    assert '"invoiceId":"{invoiceId}"' in refused.out
    assert not terminal.sandbox.ask("GET", "/invoices")
    done = answer(terminal, monkeypatch, "y\ny\ny\nn\n" + "\n" * 4)
    assert done.out.count(": done. Done, and read back.") == 3
    assert [invoice["status"] for invoice in terminal.sandbox.ask("GET", "/invoices")] == ["DELETED", "OPEN"]
    assert [entry.act for entry in list_acts()[:3]] == ["Interface write tried"] * 3


def test_in_production_nothing_is_shown_or_asked(terminal: Terminal, settings: Any):
    settings.SERVICES_AUSTRALIA = replace(django_settings.SERVICES_AUSTRALIA, environment="production")
    done = terminal.type("interfaces", "try", PERSON, "--writes")
    assert (done.status, "only in the vendor environment" in done.err) == (2, True)
    assert terminal.type("interfaces", "try", PERSON, "--writes", "--json").status == 2
