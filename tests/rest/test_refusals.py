"""Every refusal has one shape, RFC 9457's: whoever refuses, and wherever on the way."""

import json
from copy import deepcopy
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test import override_settings

from carefund.access.models import AuditEntry
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token
from carefund.records.models import InvoiceLineItem

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/invoices"
LINE = {
    "external_reference_id": "INV-1-1", "care_recipient_id": "400000001", "service_id": "SERV-0001",
    "delivery_date": "2026-07-09", "quantity": "1.50", "price_per_unit": "80.00",
}  # fmt: skip
INVOICE: dict[str, Any] = {"external_reference_id": "INV-1", "line_items": [LINE]}


@pytest.fixture
def user(add_client) -> User:
    add_client("400000001", service_provider_id="4049000002")
    user = User.objects.create_user("fay")
    give_role(user, Role.FINANCE)
    return user


@pytest.fixture
def headers(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_token(user, 'payroll')[1]}"}


def post(client: Browser, headers: dict[str, str], body: Any, content_type: str = "application/json") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(ADDRESS, content, content_type=content_type, headers=headers)


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, after a look at its shape."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    body: dict[str, Any] = answer.json()
    assert list(body) == ["type", "title", "status", "detail", "code", "advice", "problems"]
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/api/v1/problems#{code}")
    assert body["title"]
    assert body["detail"]
    return body


def with_line(**values: Any) -> dict[str, Any]:
    """The invoice with other values in its line."""
    changed = deepcopy(INVOICE)
    changed["line_items"][0] |= values
    return changed


def test_without_a_token(client: Browser):
    answer = post(client, {}, INVOICE)
    refused(answer, 401, "no-valid-token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_the_right(client: Browser, user: User, headers: dict[str, str]):
    give_role(user, Role.READ_ONLY)
    refused(post(client, headers, INVOICE), 403, "not-allowed")


def test_what_is_not_here(client: Browser, headers: dict[str, str]):
    refused(client.get(f"{ADDRESS}/NONE", headers=headers), 404, "not-found")


@pytest.mark.parametrize("address", ["/api/v1/nowhere", "/api/v2/invoices", "/api/"])
def test_an_address_that_does_not_exist(client: Browser, address: str):
    refused(client.get(address), 404, "not-found")


def test_a_method_that_is_not_known(client: Browser, headers: dict[str, str]):
    answer = client.delete(ADDRESS, headers=headers)
    refused(answer, 405, "method-not-allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"external_reference_id": NaN'])
def test_a_body_that_is_not_json(client: Browser, headers: dict[str, str], body: bytes):
    refused(post(client, headers, body), 400, "malformed")


def test_a_body_of_another_kind(client: Browser, headers: dict[str, str]):
    refused(post(client, headers, b"<invoice/>", "application/xml"), 415, "unsupported-media-type")


def test_a_body_that_is_too_large(client: Browser, headers: dict[str, str], settings: Any):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    refused(post(client, headers, INVOICE), 413, "too-large")


def test_a_host_that_is_not_ours(client: Browser, settings: Any):
    settings.ALLOWED_HOSTS = ["carefund.example"]
    refused(client.get(f"{ADDRESS}/INV-1", headers={"Host": "elsewhere.example"}), 400, "malformed")


def test_a_failure_of_our_own_says_nothing_of_its_cause(client: Browser, headers: dict[str, str]):
    def break_off(*_: Any) -> None:
        raise RuntimeError("Wilma was here")

    client.raise_request_exception = False
    with connection.execute_wrapper(break_off):
        answer = client.get(f"{ADDRESS}/INV-1", headers=headers)
    assert "Wilma" not in str(refused(answer, 500, "internal"))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"quantity": ""}, "quantity"),
        ({"price_per_unit": ""}, "price_per_unit"),
        ({"price_per_unit": "1e2"}, "price_per_unit"),
        ({"price_per_unit": " 80.00"}, "price_per_unit"),
        ({"price_per_unit": True}, "price_per_unit"),
        ({"quantity": "0.00"}, "quantity"),
        ({"delivery_date": 0}, "delivery_date"),
        ({"delivery_date": "2026-07-09T00:00:00"}, "delivery_date"),
        ({"service_text": "a\u0000b"}, "service_text"),
        ({"external_reference_id": "x" * 25}, "external_reference_id"),
        ({"funding_sorce": "AT"}, "funding_sorce"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_line(
    client: Browser, headers: dict[str, str], line: dict[str, Any], field: str
):
    problem = refused(post(client, headers, with_line(**line)), 422, "invalid")["problems"][0]
    assert (problem["line"], problem["field"]) == (1, field)
    assert problem["message"]
    assert not InvoiceLineItem.objects.exists()


def test_what_is_wrong_with_the_invoice_itself_has_no_line(client: Browser, headers: dict[str, str]):
    body = refused(post(client, headers, {"external_reference_id": "INV-1"}), 422, "invalid")
    assert [(problem["line"], problem["field"]) for problem in body["problems"]] == [(None, "line_items")]


def test_a_body_that_is_no_object(client: Browser, headers: dict[str, str]):
    for body in ([], None, 3):
        refused(post(client, headers, body), 422, "invalid")


def test_a_reference_twice_in_one_call(client: Browser, headers: dict[str, str]):
    body = refused(post(client, headers, INVOICE | {"line_items": [LINE, LINE]}), 422, "invalid")
    assert [(problem["line"], problem["field"]) for problem in body["problems"]] == [(2, "external_reference_id")]


def test_a_known_reference_with_other_values(client: Browser, headers: dict[str, str]):
    post(client, headers, INVOICE)
    body = refused(post(client, headers, with_line(quantity="2.00")), 409, "conflict")
    assert [(problem["line"], problem["field"]) for problem in body["problems"]] == [(1, "external_reference_id")]


@pytest.mark.parametrize("amount", ["80.5", "80.50", "80", 80, 80.5])
def test_an_amount_comes_as_text_or_as_a_number(client: Browser, headers: dict[str, str], amount: Any):
    answer = post(client, headers, with_line(price_per_unit=amount))
    assert answer.status_code == 201
    assert Decimal(answer.json()["line_items"][0]["price_per_unit"]) == Decimal(str(amount))


def test_a_reference_with_a_slash_can_be_read_back(client: Browser, headers: dict[str, str]):
    assert post(client, headers, INVOICE | {"external_reference_id": "2026/07 #1"}).status_code == 201
    assert client.get(f"{ADDRESS}/2026%2F07%20%231", headers=headers).status_code == 200


def test_an_invoice_of_the_most_lines_fits(client: Browser, headers: dict[str, str]):
    full = LINE | {"service_text": "x" * 200, "late_reason_code": "y" * 40, "late_justification": "z" * 500}
    lines = [full | {"external_reference_id": f"{number:024}"} for number in range(9_999)]
    assert post(client, headers, INVOICE | {"line_items": lines}).status_code == 201


def test_every_kind_of_problem_is_listed_for_everybody(client: Browser):
    listed = {problem["type"]: problem for problem in client.get("/api/v1/problems").json()}
    assert listed["/api/v1/problems#conflict"]["status"] == 409
    assert listed["/api/v1/problems#funder-consent-missing"]["advice"].startswith("Ask the client")


@pytest.mark.parametrize(("field", "text"), [("funding_source", "ßHM1"), ("unit_type", "İ" * 20)])
def test_a_code_that_would_grow_beyond_its_column_is_refused(
    client: Browser, headers: dict[str, str], field: str, text: str
):
    problem = refused(post(client, headers, with_line(**{field: text})), 422, "invalid")["problems"][0]
    assert (problem["line"], problem["field"]) == (1, field)
    assert not InvoiceLineItem.objects.exists()


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_call_in_the_clear_is_refused_and_not_led_on(client: Browser, headers: dict[str, str]):
    refused(post(client, headers, INVOICE), 403, "not-encrypted")
    assert not InvoiceLineItem.objects.exists()
    assert client.post(ADDRESS, b"{}", "application/json", secure=True, headers=headers).status_code == 422


def test_whoever_may_not_is_in_the_audit_log(client: Browser, headers: dict[str, str], user: User):
    give_role(user, Role.READ_ONLY)
    refused(post(client, headers, INVOICE), 403, "not-allowed")
    [entry] = AuditEntry.objects.all()
    assert (entry.user, entry.act) == (user, "Refused: no permission")
    assert entry.subject.startswith("POST ")


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000])
def test_what_cannot_be_read_as_json_is_refused_however_it_is_made(
    client: Browser, headers: dict[str, str], body: bytes
):
    refused(post(client, headers, body), 400, "malformed")


@pytest.mark.parametrize("text", ["1_0", "１０", " 10", "+10", "10.0", "1e1", "²", "true"])
def test_a_number_in_an_address_is_digits_and_nothing_else(client: Browser, headers: dict[str, str], text: str):
    for address in ("/api/v1/runs", f"/api/v1/runs/{quote(text)}"):
        answer = client.get(address, {"limit": text}, headers=headers)
        assert answer.status_code in (404, 422), (address, answer.content)
    assert client.get("/api/v1/runs", {"limit": "10"}, headers=headers).status_code == 200


@pytest.mark.parametrize("day", ["20260709", "２０２６-07-09", "0001-01-01", "9999-12-31", "2026-W28-4", "1783555200"])
def test_a_day_is_written_in_one_way(client: Browser, headers: dict[str, str], day: str):
    refused(post(client, headers, with_line(delivery_date=day)), 422, "invalid")
    answer = client.get("/api/v1/exports/budgets", {"as_of": day}, headers=headers)
    refused(answer, 422, "invalid")
