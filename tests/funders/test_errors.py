"""The error tree: every status has a class, every leaf a page entry, and no message tells what it must not."""

from pathlib import Path

import pytest

from carefund.funders import errors
from carefund.funders.refusals import refusal

DOCUMENTED = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
BUSINESS = b'{"code": "7", "codeType": "DHSEIN", "message": "Ada Test is not approved", "errors": []}'
NOTHING = b'{"code": "1", "codeType": "DHSEIN", "message": "Not found", "errors": []}'
NUMERIC = b'{"code": 5, "codeType": "DHSEIN", "message": "Invalid string"}'
CLIENT_ID = b'{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"Invalid client id or secret."}'
GATEWAY = b'{"httpCode":"401","httpMessage":"Unauthorized","moreInformation":"User not authenticated."}'
HTML = b"<html><body>Nothing here</body></html>"


@pytest.mark.parametrize("leaf", errors.all_leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_is_documented_with_its_sentence_and_advice(leaf):
    assert f"| `{leaf.code}` | {leaf.__doc__} | {leaf.advice} |" in DOCUMENTED


@pytest.mark.parametrize("leaf", errors.all_leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_stands_in_the_drawing(leaf):
    assert f"── {leaf.__name__}" in errors.__doc__


def test_codes_are_unique():
    codes = [leaf.code for leaf in errors.all_leaves()]
    assert len(codes) == len(set(codes))


def test_only_unavailable_is_retried():
    assert {leaf for leaf in errors.all_leaves() if leaf.retried} == set(errors.all_leaves(errors.Unavailable))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (301, b"", errors.WrongAddress),
        (400, b"", errors.RequestRejected),
        (400, NUMERIC, errors.RequestRejected),
        (400, NOTHING, errors.NotFound),
        (401, GATEWAY, errors.NotAuthenticated),
        (401, CLIENT_ID, errors.ClientIdRejected),
        (401, b"", errors.NotAuthenticated),
        (403, BUSINESS, errors.NotPermitted),
        (404, NOTHING, errors.NotFound),
        (404, HTML, errors.WrongAddress),
        (404, b"", errors.WrongAddress),
        (405, b"", errors.WrongAddress),
        (406, b"", errors.RequestRejected),
        (408, b"", errors.TimedOut),
        (409, BUSINESS, errors.Conflict),
        (412, b"", errors.Conflict),
        (415, b"", errors.RequestRejected),
        (418, b"", errors.UnexpectedStatus),
        (422, b"", errors.RequestRejected),
        (429, b"", errors.Throttled),
        (500, HTML, errors.OutOfService),
        (502, b"", errors.OutOfService),
        (503, b"", errors.OutOfService),
        (504, b"", errors.OutOfService),
        (599, b"", errors.OutOfService),
    ],
)
def test_every_status_has_its_error(status, body, expected):
    assert type(refusal("budget_details", status, {}, body)) is expected


def test_every_status_of_the_table_maps():
    assert {errors.error_for_status(status) for status in errors.ERROR_BY_STATUS} == set(
        errors.ERROR_BY_STATUS.values()
    )


def test_a_503_with_a_waiting_time_is_throttling():
    error = refusal("budget_details", 503, {"Retry-After": "7"}, b"")
    assert type(error) is errors.Throttled
    assert error.retry_after == 7


def test_the_funders_words_are_kept_apart_from_the_message():
    error = refusal("create_invoice", 400, {}, BUSINESS)
    assert error.details == (errors.Detail("7", "DHSEIN", "Ada Test is not approved", ""),)
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
