"""Exports by page, API and command: the same rows, to whom they may go, and the access log."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from typer.testing import CliRunner

from carefund.access.exports import list_exports_for, open_export
from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.cli.main import app
from carefund.records.models import Client
from carefund.sync.exports import EXPORTS
from tests.browsing import Browser
from tests.export_world import make_a_row_of_each

pytestmark = pytest.mark.django_db


@pytest.fixture
def funded(add_client: Callable[..., Client]) -> Client:
    client = add_client("400000001", service_provider_id="4049000002")
    make_a_row_of_each(client)
    return client


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


def test_without_pyarrow_a_sentence_says_what_to_do(
    funded: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as if it were not installed
    done = CliRunner().invoke(app, ["export", "budgets", str(tmp_path / "x.parquet")])
    assert (done.exit_code, "make install EXTRA=parquet" in " ".join(done.output.split())) == (2, True), done.output
    answer = call()("get", "/exports/budgets?format=parquet")
    assert answer.status_code == 422
    assert "EXTRA=parquet" in answer.json()["advice"]
    browser = Browser()
    browser.force_login(User.objects.get(username="finance"))
    shown = browser.get(reverse("console:export-download"), {"kind": "budgets", "file_format": "parquet"})
    assert "pyarrow, which is not installed here" in shown.content.decode()
    assert not AccessLogEntry.objects.filter(action="exported").exists()


def test_who_may_not_have_a_kind_is_not_offered_it(funded: Client, call: Any):
    call(Role.ADMINISTRATOR), call(Role.FINANCE), call(Role.COORDINATOR)
    users = {user.username: user for user in User.objects.all()}
    assert list_exports_for(users["administrator"]) == list(EXPORTS.values())
    finance = {export.kind for export in list_exports_for(users["finance"])}
    assert EXPORTS.keys() - finance == {"pools", "pool_uses"}
    assert not list_exports_for(users["coordinator"])
    with pytest.raises(PermissionDenied):
        open_export(users["finance"], EXPORTS["pools"], None, "test")
    browser = Browser()
    browser.force_login(users["finance"])
    page = browser.get(reverse("console:export")).content.decode()
    assert "Claim batches" in page
    assert "Care management pools" not in page


def test_who_has_moved_to_another_branch_is_not_in_the_draws_of_the_old_one(funded: Client, call: Any):
    old, new = funded.service_provider_id, "4049000003"
    administrator, narrow = call(Role.ADMINISTRATOR), call(Role.ADMINISTRATOR, branches=(old,))

    def read(ask: Any) -> tuple[bool, str, int]:
        """Whether the file and the pools have the ID, and whom the access log named for the file."""
        lines = b"".join(ask("get", "/exports/pool_uses").streaming_content).decode().splitlines()
        [pool] = ask("get", f"/service-providers/{old}/pools").json()
        assert len(lines) == 2
        entry = AccessLogEntry.objects.filter(action="exported").latest("id")
        return "400000001" in lines[1], pool["uses"][0]["care_recipient_id"], entry.number_of_clients

    assert read(narrow) == (True, "400000001", 1)
    Client.objects.filter(pk=funded.pk).update(service_provider_id=new)
    assert read(narrow) == (False, "", 0)
    assert read(administrator) == (True, "400000001", 1)


def test_a_token_has_kinds_by_its_scope_and_its_branches(funded: Client, add_client: Any, call: Any):
    other = add_client("400000002", service_provider_id="4049000003")
    make_a_row_of_each(other)

    def read(ask: Any, kind: str) -> int:
        answer = ask("get", f"/exports/{kind}")
        if answer.status_code == 200:
            return len(b"".join(answer.streaming_content).decode().splitlines()) - 1
        return -int(answer.status_code)

    administrator, narrow = call(Role.ADMINISTRATOR), call(Role.ADMINISTRATOR, branches=("4049000003",))
    reader = call(Role.ADMINISTRATOR, scopes=("read",))
    of_all = {"claims", "claim_batches", "exceptions"}
    for kind, export in EXPORTS.items():
        everything = read(administrator, kind)
        assert everything > 1, kind
        assert read(narrow, kind) == (-403 if kind in of_all else everything / 2), kind
        assert (read(reader, kind) == -403) == (export.subject == "Claims"), kind
    named = AccessLogEntry.objects.filter(what="Alerts (API export)").order_by("id")
    assert [entry.number_of_clients for entry in named] == [2, 1, 2]
