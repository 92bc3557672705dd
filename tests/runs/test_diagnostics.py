"""The file for a bug report holds what helps, and nobody's name, id or words."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db.migrations.recorder import MigrationRecorder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from carefund.cli.main import app
from carefund.records.models import Client, NdisParticipant, ServiceProvider
from carefund.records.models.devices import ProdaDevice
from carefund.runs.models import Run, RunItem

# With a beginning that no word, number or instant of ours has by chance.
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc")), max_size=12)
WORDS = WORDS.map(lambda text: f"Zq{text}")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
NUMBERS = st.from_regex(r"[1-9][0-9]{8}", fullmatch=True)


def report(file: Path) -> tuple[dict[str, Any], str]:
    file.unlink(missing_ok=True)
    done = CliRunner().invoke(app, ["doctor", str(file)])
    assert done.exit_code == 0, done.output
    content = file.read_text()
    return json.loads(content), content


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=st.lists(WORDS, min_size=9, max_size=9, unique=True), number=NUMBERS)
def test_no_text_of_a_person_or_a_funder_is_in_it(db: None, tmp_path: Path, words: list[str], number: str):
    Client.objects.all().delete()
    Run.objects.all().delete()
    client = Client.objects.create(
        first_name=words[0], last_name=words[1], care_recipient_id=number, external_reference_id=words[2]
    )
    NdisParticipant.objects.create(client=client, ndis_number=number, surname=words[3])
    ServiceProvider.objects.update_or_create(
        service_provider_id=words[4], defaults={"name": words[5], "first_seen_at": NOW, "last_seen_at": NOW}
    )
    User.objects.get_or_create(username=words[6])
    ProdaDevice.objects.update_or_create(device_name=words[7])
    run = Run.objects.create(kind=words[0], trigger=Run.Trigger.BULK, scope=words[8], parameters={words[1]: words[2]})
    RunItem.objects.create(
        run=run, client=client, care_recipient_id=number, holds=words[0][:40], outcome=RunItem.Outcome.FAILED,
        error_code=words[1], failed_step=words[2], message=words[3], advice=words[4], warnings=[words[5]],
    )  # fmt: skip
    data, content = report(tmp_path / "report.json")
    texts = json.dumps(data, ensure_ascii=False)
    assert [text for text in words if text in content or text in texts] == []
    assert not re.search(rf"(?<!\d){number}(?!\d)", content)
    assert data["rows"]["records_client"] == 1
    assert data["failures"][0]["error_code"] == "not a code"
    assert data["runs"][0]["outcomes"] == {"failed": 1}


def test_it_says_what_helps_to_find_a_fault(db: None, tmp_path: Path):
    data, _ = report(tmp_path / "report.json")
    assert {"carefund", "python", "django", "aiohttp"} <= data["versions"].keys()
    assert data["database"]["problem"] == ""
    assert data["database"]["bytes"] > 0
    assert (
        data["settings"]["CAREFUND_CALLS_AT_ONCE"] == django_settings.SETTINGS_WITHOUT_TEXTS["CAREFUND_CALLS_AT_ONCE"]
    )
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o600
    done = CliRunner().invoke(app, ["doctor", str(tmp_path / "report.json")])
    assert done.exit_code == 2, "a file is never overwritten"


def test_settings_are_numbers_switches_and_choices_or_whether_they_are_set():
    given = {
        "CAREFUND_SECRET_KEY": "123456789012", "CAREFUND_PROVIDER_NAME": "Wilma Example", "CAREFUND_HTTPS": "true",
        "CAREFUND_KEEP_RUNS_DAYS": "77", "CAREFUND_FUNDER_ENVIRONMENT": "vendor",
        "CAREFUND_DATABASE_URL": "postgresql://wilma:secret@host/name", "CAREFUND_ENVIRONMENT_FILE": os.devnull,
    }  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")} | given
    show = "import json; from carefund import settings; print(json.dumps(settings.SETTINGS_WITHOUT_TEXTS))"
    done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True)
    shown = json.loads(done.stdout)
    assert shown["CAREFUND_HTTPS"] is True
    assert shown["CAREFUND_KEEP_RUNS_DAYS"] == 77
    assert shown["CAREFUND_FUNDER_ENVIRONMENT"] == "vendor"
    assert shown["CAREFUND_SECRET_KEY"] == shown["CAREFUND_DATABASE_URL"] == shown["CAREFUND_PROVIDER_NAME"] == "set"
    assert shown["CAREFUND_CLIENT_ID"] == "not set"
    assert not [value for value in ("123456789012", "Wilma", "wilma") if value in done.stdout]


@pytest.mark.django_db
def test_the_report_is_made_where_the_tables_are_out_of_date(tmp_path: Path):
    MigrationRecorder.Migration.objects.filter(app="runs").delete()
    data, _ = report(tmp_path / "report.json")
    assert data["database"]["problem"]
    assert "rows" not in data
