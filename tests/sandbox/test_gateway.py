"""The gateway: which header it complains about first, and in which shape."""

import pytest

from .conftest import AGED_CARE, PRODA, Client

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
