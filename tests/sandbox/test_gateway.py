"""The gateway: which header it complains about first, and in which shape."""

import pytest

from .conftest import AGED_CARE, PRODA, SUPPORT_AT_HOME, Client

SUMMARY = "/care-recipient/v1/400000001/summary"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"Accept": "text/xml", "Content-Type": None, "X_IBM_Client_Id": None}, 406),
        ({"Content-Type": None, "X_IBM_Client_Id": None}, 415),
        ({"Content-Type": "application/xml"}, 400),
        ({"X_IBM_Client_Id": "other", "Authorization": None}, 401),
        ({"Authorization": None, "dhs_auditId": None}, 401),
        ({"Authorization": "Basic abc"}, 401),
        ({"dhs_auditId": None}, 400),
        ({"dhs_messageId": None}, 400),
        ({"dhs_messageId": "1"}, 400),
        ({"dhs_productId": None}, 400),
        ({"dhs_productId": "Carefund"}, 400),
    ],
)
def test_headers_fail_in_the_gateways_order(sandbox: Client, changes: dict[str, str | None], status: int):
    changes = {name.replace("_", "-"): value for name, value in changes.items()}

    assert sandbox.get(SUMMARY, **changes).status == status


@pytest.mark.parametrize(
    "product_id", ["Carefund 0.1", "DHS Product v1.0", "MagicMedicalSoftwareV1.0", "Clinic 2 Go 4", "SoftwareName 4.1"]
)
def test_product_ids_as_the_departments_examples_write_them_are_taken(sandbox: Client, product_id: str):
    assert sandbox.get(SUMMARY, **{"dhs-productId": product_id}).status == 200


LENIENT = [{"Content-Type": None}, {"Accept": None}, {"dhs-messageId": "6f1e8a52-3f0c-4f0e-9d53-0d5a0f7c2b11"}]


@pytest.mark.parametrize("changes", LENIENT)
def test_what_some_clients_leave_out_is_taken_when_switched_on(sandbox: Client, changes: dict[str, str | None]):
    assert sandbox.get(SUMMARY, **changes).status in (400, 406, 415)

    sandbox.control("POST", "/switches", lenientHeaders=True)

    assert sandbox.get(SUMMARY, **changes).status == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"Content-Type": "application/xml"}, 400), ({"Accept": "text/xml"}, 406), ({"dhs-messageId": "1"}, 400)],
)
def test_what_is_wrong_stays_refused_when_leniency_is_on(sandbox: Client, changes: dict[str, str], status: int):
    sandbox.control("POST", "/switches", lenientHeaders=True)

    assert sandbox.get(SUMMARY, **changes).status == status


def test_a_write_needs_its_content_type_also_when_leniency_is_on(sandbox: Client):
    sandbox.control("POST", "/switches", lenientHeaders=True)
    headers = sandbox.headers(**{"Content-Type": None, "x-requested-with": "test"})

    assert sandbox.call("POST", f"{SUPPORT_AT_HOME}/claim/v1", b"{}", headers).status == 415


def test_client_id_and_token_have_their_own_words(sandbox: Client):
    client_id = sandbox.get(SUMMARY, **{"X-IBM-Client-Id": "other"}).json
    token = sandbox.get(SUMMARY, Authorization="Bearer nonsense").json

    assert client_id["moreInformation"] == "Invalid client id or secret."
    assert token["moreInformation"] == "User not authenticated."


def test_a_token_for_another_audience_does_not_open_aged_care(sandbox: Client):
    other = sandbox.ask_token(sandbox.assertion(PRODA)).json["access_token"]

    assert sandbox.get(SUMMARY, Authorization=f"Bearer {other}").status == 401


def test_a_token_ends(sandbox: Client):
    sandbox.control("POST", "/switches", tokenSeconds=0)
    spent = sandbox.ask_token(sandbox.assertion(AGED_CARE)).json["access_token"]

    assert sandbox.get(SUMMARY, Authorization=f"Bearer {spent}").status == 401


def test_a_repeated_message_id_is_refused_when_switched_on(sandbox: Client):
    sandbox.control("POST", "/switches", refuseDuplicateMessages=True)
    same = sandbox.headers()["dhs-messageId"]

    assert sandbox.get(SUMMARY, **{"dhs-messageId": same}).status == 200
    assert sandbox.get(SUMMARY, **{"dhs-messageId": same}).status == 400


def test_a_path_that_nobody_serves_is_an_html_page(sandbox: Client):
    missing = sandbox.get("/nothing/v1")

    assert (missing.status, missing.headers["content-type"]) == (404, "text/html")


def test_without_auth_nothing_is_asked_for(sandbox: Client):
    sandbox.control("POST", "/switches", auth=False)

    assert sandbox.get(SUMMARY, Authorization=None, **{"X-IBM-Client-Id": None}).status == 200
