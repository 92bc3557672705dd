"""The error tree: every status has a class, every leaf a page entry, and no message tells what it must not."""

from pathlib import Path

import pytest

from carefund.funders import errors
from carefund.funders.errors.access import ClientIdRejected, NotAuthenticated, NotPermitted
from carefund.funders.errors.answers import UnexpectedStatus
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import OutOfService, Throttled, TimedOut, Unavailable
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import Conflict, RequestRejected
from carefund.funders.errors.root import Detail
from carefund.funders.errors.statuses import ERROR_BY_STATUS, error_for_status
from carefund.funders.errors.tree import all_leaves
from carefund.funders.refusals import refusal

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
BUSINESS = b'{"code": "7", "codeType": "DHSEIN", "message": "Ada Test is not approved", "errors": []}'
NOTHING = b'{"code": "1", "codeType": "DHSEIN", "message": "Not found", "errors": []}'
NUMERIC = b'{"code": 5, "codeType": "DHSEIN", "message": "Invalid string"}'
CLIENT_ID = b'{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"Invalid client id or secret."}'
GATEWAY = b'{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"User not authenticated."}'
HTML = b"<html><body>Nothing here</body></html>"


@pytest.mark.parametrize("leaf", all_leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_is_documented_with_its_sentence_and_advice(leaf):
    assert f"| `{leaf.code}` | {leaf.__doc__} | {leaf.advice} |" in DOCUMENTED


@pytest.mark.parametrize("leaf", all_leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_stands_in_the_drawing(leaf):
    assert f"── {leaf.__name__}" in errors.__doc__


def test_codes_are_unique():
    codes = [leaf.code for leaf in all_leaves()]
    assert len(codes) == len(set(codes))


def test_only_unavailable_is_retried():
    assert {leaf for leaf in all_leaves() if leaf.retried} == set(all_leaves(Unavailable))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (301, b"", WrongAddress),
        (400, b"", RequestRejected),
        (400, NUMERIC, RequestRejected),
        (400, NOTHING, NotFound),
        (401, GATEWAY, NotAuthenticated),
        (401, CLIENT_ID, ClientIdRejected),
        (401, b"", NotAuthenticated),
        (403, BUSINESS, NotPermitted),
        (404, NOTHING, NotFound),
        (404, HTML, WrongAddress),
        (404, b"", WrongAddress),
        (405, b"", WrongAddress),
        (406, b"", RequestRejected),
        (408, b"", TimedOut),
        (409, BUSINESS, Conflict),
        (412, b"", Conflict),
        (415, b"", RequestRejected),
        (418, b"", UnexpectedStatus),
        (422, b"", RequestRejected),
        (429, b"", Throttled),
        (500, HTML, OutOfService),
        (502, b"", OutOfService),
        (503, b"", OutOfService),
        (504, b"", OutOfService),
        (599, b"", OutOfService),
    ],
)
def test_every_status_has_its_error(status, body, expected):
    assert type(refusal("budget_details", status, {}, body)) is expected


def test_every_status_of_the_table_maps():
    assert {error_for_status(status) for status in ERROR_BY_STATUS} == set(ERROR_BY_STATUS.values())


def test_a_503_with_a_waiting_time_is_throttling():
    error = refusal("budget_details", 503, {"Retry-After": "7"}, b"")
    assert type(error) is Throttled
    assert error.retry_after == 7


def test_the_funders_words_are_kept_apart_from_the_message():
    error = refusal("create_invoice", 400, {}, BUSINESS)
    assert error.details == (Detail("7", "DHSEIN", "Ada Test is not approved", ""),)
    assert str(error) == "create invoice: The funder refused the request. (HTTP 400)"
    assert "Ada" not in repr(error)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"errors": [{"code": "DE.4", "message": "Device not found"}]}', [("DE.4", "Device not found")]),
        (b'{"errors": {"code": "DE.7", "message": "Invalid"}}', [("DE.7", "Invalid")]),
        (b'{"error": "mapping_error", "error_description": "no"}', [("mapping_error", "no")]),
        (b'{"errors": [" Requestor lacks authority "]}', [("", "Requestor lacks authority")]),
        (b'{"errors": [{"key": "V19", "value": "disputed"}]}', [("V19", "disputed")]),
        (b"[1, 2]", []),
        (b"\xff\xfe", []),
    ],
)
def test_all_known_error_shapes_are_read(body, expected):
    assert [(detail.code, detail.message) for detail in refusal("x", 400, {}, body).details] == expected
