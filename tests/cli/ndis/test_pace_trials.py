"""`carefund interfaces try NUMBER --ndis`: each PACE operation asked once, a report without a value, and no record."""

import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as django_settings
from typer.testing import CliRunner

from carefund.cli.interfaces import app
from carefund.funders.dialect import Dialect, Interfaces
from carefund.funders.ndia.contract import NDIA
from carefund.records.models import ServiceContract, TriedAnswer
from tests.pace_world import NdiaSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def try_pace(number: str) -> Any:
    done = CliRunner().invoke(app, ["try", number, "--ndis", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_each_pace_operation_is_asked_once_and_what_was_seen_can_be_shared(ndia: NdiaSandbox, settings: Any) -> None:
    participant = ndia.client("take-over").ndis
    report = try_pace(participant.ndis_number)
    assert [call["operation"] for call in report["calls"]] == list(NDIA.operations)
    assert [call["problem"] for call in report["calls"]] == [""] * 4
    assert (report["lines"], report["undecoded"]) == ([], [])
    assert TriedAnswer.objects.count() == 4
    assert not ServiceContract.objects.exists()
    shared = CliRunner().invoke(app, ["share"]).stdout
    assert tomllib.loads(shared)["seen"]["PlanRow"]["members"]["plan_end_date"]["kinds"] == ["date"]
    assert "SupportCategory" in tomllib.loads(shared)["seen"]
    assert participant.ndis_number not in shared

    dialect = Dialect(members=(("PlanRow.plan_end_date", "until"), ("SupportCategory.spent_amount", "gone")))
    settings.NDIA = replace(django_settings.NDIA, interfaces=Interfaces(dialect=dialect))
    lines = [line["line"] for line in try_pace(participant.ndis_number)["lines"]]
    assert '[ndia.members.PlanRow] plan_end_date = "plan_end_date"' in lines
    assert '[ndia.members.SupportCategory] spent_amount = "spent_amount"' in lines
    settings.NDIA = replace(django_settings.NDIA, interfaces=Interfaces(dialect=Dialect(sent_date_format="ddMMyyyy")))
    lines = [line["line"] for line in try_pace(participant.ndis_number)["lines"]]
    assert lines == ['[ndia.dates] sent = "…"'], "nobody is found where a date of birth is not understood"


def test_somebody_who_is_no_participant_is_not_asked_about(ndia: NdiaSandbox) -> None:
    done = CliRunner().invoke(app, ["try", "430000000", "--ndis"])
    assert (done.exit_code, TriedAnswer.objects.count()) == (2, 0)
