"""Invoices by API: a token lets in, the reference makes it idempotent, and a refusal says which line."""

import json
from copy import deepcopy

import pytest
from django.contrib.auth.models import User

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.access.tokens import create_token, revoke_token
from carefund.records.models import Client, InvoiceLineItem

pytestmark = pytest.mark.django_db

INVOICE = {
    "external_reference_id": "INV-1",
    "line_items": [
        {
            "external_reference_id": "INV-1-1", "care_recipient_id": "400000001", "service_id": "SERV-0001",
            "delivery_date": "2026-07-09", "quantity": "1.50", "price_per_unit": "80.00",
        }
    ],
}  # fmt: skip


@pytest.fixture
def ada(add_client) -> User:
    add_client("400000001", service_provider_id="4049000002")
    user = User.objects.create_user("ada")
    give_role(user, Role.ADMINISTRATOR)
    return user


@pytest.fixture
def token(ada: User) -> str:
    return create_token(ada, "payroll")[1]


def post(client, token: str, body: object):
    return client.post(
        "/api/v1/invoices",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_an_invoice_comes_in_once(client, token: str):
    assert post(client, token, INVOICE).status_code == 201
    again = post(client, token, INVOICE)
    assert again.status_code == 200
    assert again.json()["line_items"][0]["item_id"] == ""
    assert InvoiceLineItem.objects.count() == 1


def test_other_values_under_a_known_reference_are_a_conflict(client, token: str):
    post(client, token, INVOICE)
    other = deepcopy(INVOICE)
    other["line_items"][0]["quantity"] = "2.00"
    answer = post(client, token, other)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert InvoiceLineItem.objects.get().quantity == 1.5


def test_a_line_of_nobody_is_named(client, token: str):
    other = deepcopy(INVOICE)
    other["line_items"][0]["care_recipient_id"] = "999"
    answer = post(client, token, other)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "care_recipient_id")


@pytest.mark.parametrize("value", ["nothing", -1, "1.005", None])
def test_a_malformed_quantity_is_refused(client, token: str, value: object):
    other = deepcopy(INVOICE)
    other["line_items"][0]["quantity"] = value
    assert post(client, token, other).status_code == 422
    assert InvoiceLineItem.objects.count() == 0


def test_without_a_token_in_force_nobody_comes_in(client, ada: User):
    token, text = create_token(ada, "payroll")
    assert client.post("/api/v1/invoices", "{}", content_type="application/json").status_code == 401
    assert post(client, "cft_wrong", INVOICE).status_code == 401
    revoke_token(token)
    assert post(client, text, INVOICE).status_code == 401


def test_a_token_may_no_more_than_its_account(client, ada: User, token: str):
    give_role(ada, Role.READ_ONLY)
    assert (answer := post(client, token, INVOICE)).status_code == 403
    assert answer.json()["code"] == "not-allowed"
    User.objects.update(is_active=False)
    assert post(client, token, INVOICE).status_code == 401


def test_a_token_is_kept_as_a_digest_only(token: str, ada: User):
    assert token not in str(list(ada.api_tokens.values()))


def test_an_invoice_can_be_read_back(client, token: str):
    post(client, token, INVOICE)
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/invoices/INV-1", headers=headers).json()["service_provider_id"] == "4049000002"
    assert client.get("/api/v1/invoices/NONE", headers=headers).status_code == 404
    entry = AccessLogEntry.objects.get(action="viewed")
    assert entry.user_name.startswith("ada (token ")
    assert (entry.what, entry.client) == ("Invoice (API)", Client.objects.get())
