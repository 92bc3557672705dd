"""Exports: each kind, now and as of a day, in both formats; formulas neutralised, and memory bounded."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from typer.testing import CliRunner

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.cli.main import app
from carefund.records.models import Client
from carefund.records.table_files import write_file
from carefund.sync.care_recipient.exporting import EXPORTS
from tests.browsing import Browser
from tests.console.world import make_funding

pytestmark = pytest.mark.django_db
SPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read_xlsx(path: Path) -> list[list[tuple[str, str]]]:
    """Each cell of each sheet: its kind and its text."""
    with zipfile.ZipFile(path) as book:
        sheets = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        return [
            [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row]
            for name in sheets
            for row in ElementTree.fromstring(book.read(name)).iterfind(".//x:row", SPACE)
        ]


@pytest.fixture
def funded(add_client: Callable[..., Client]) -> Client:
    client = add_client("400000001", service_provider_id="4049000002", last_name="=cmd()")
    make_funding(client, quarters=2)
    return client


@pytest.mark.parametrize("kind", EXPORTS)
def test_each_kind_has_a_line_for_each_record(funded: Client, kind: str, tmp_path: Path):
    export = EXPORTS[kind]
    lines = [list(line) for line in export.list_lines(Client.objects.all())]
    assert all(len(line) == len(export.headings) for line in lines)
    stored = export.record_set.model._default_manager.count() if export.record_set else 1
    assert len(lines) == 1 + stored
    assert write_file(tmp_path / "x.csv", lines, "csv") == write_file(tmp_path / "x.xlsx", lines, "xlsx") == stored
    assert not list(export.list_lines(Client.objects.none()))[1:]
    if export.has_history:  # nothing is archived here
        assert len(list(export.list_lines(Client.objects.all(), date(2026, 5, 3)))) == 1


def test_no_cell_is_a_formula_and_figures_are_figures(tmp_path: Path):
    lines = [
        ["name", "amount", "day"],
        ["=1+1", Decimal("-12.50"), date(2026, 5, 3)],
        ["https://x.example", None, None],
    ]
    write_file(tmp_path / "x.xlsx", lines, "xlsx")
    _, first, second = read_xlsx(tmp_path / "x.xlsx")
    assert first[0] == ("inlineStr", "'=1+1")
    assert first[1] == ("n", "-12.50")
    assert first[2][0] == "n"
    assert second == [("inlineStr", "https://x.example")]
    write_file(tmp_path / "x.csv", lines, "csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8-sig"))))
    assert rows[1] == ["'=1+1", "-12.50", "2026-05-03"]


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path):
    def peak(number: int) -> int:
        tracemalloc.start()
        write_file(tmp_path / "x.xlsx", ([number, "text", Decimal("1.00")] for number in range(number)), "xlsx")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(4000) < peak(400) + 500_000


def test_page_api_and_command_give_the_same_and_log_whom(funded: Client, tmp_path: Path):
    fay = User.objects.create_user("fay", password="x")
    give_role(fay, Role.FINANCE)
    browser = Browser()
    browser.force_login(fay)
    assert "Export" in browser.get(reverse("console:export")).content.decode()
    sent = {"kind": "budgets", "file_format": "csv"}
    downloaded = b"".join(browser.get(reverse("console:export-download"), sent).streaming_content)
    headers = {"Authorization": f"Bearer {create_token(fay, 'BI', scopes=('read',))[1]}"}
    answer = Browser().get("/api/v1/exports/budgets", {"format": "csv"}, headers=headers)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="budgets-')
    assert b"".join(answer.streaming_content) == downloaded
    assert Browser().get("/api/v1/exports/clients", {"as_of": "2026-05-03"}, headers=headers).status_code == 422
    done = CliRunner().invoke(app, ["export", "budgets", str(tmp_path / "x.csv")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "x.csv").read_bytes() == downloaded
    assert AccessLogEntry.objects.filter(action="exported").count() == 3
    assert CliRunner().invoke(app, ["export", "budgets", str(tmp_path / "x.pdf")]).exit_code == 2


def test_a_token_exports_its_own_branches_alone(funded: Client, add_client: Any):
    add_client("400000002", service_provider_id="4049000003")
    fay = User.objects.create_user("fay")
    give_role(fay, Role.FINANCE)
    _, text = create_token(fay, "BI", scopes=("read",), service_provider_ids=("4049000003",))
    answer = Browser().get("/api/v1/exports/clients", headers={"Authorization": f"Bearer {text}"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "400000002" in lines[1]
