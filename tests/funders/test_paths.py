"""Paths that a deployment sets: names and placeholders are held to the table, and the nearest right one is named."""

import pytest

from carefund.funders.paths import wrong_paths

KNOWN = {"budget_details": "/budget/{budgetId}", "item": "/invoice/{invoiceId}/item/{itemId}", "claims": "/claim"}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"budgetdetails": "/x"}, '"budgetdetails" is not an operation. Did you mean "budget_details"?'),
        ({"Claims": "/x"}, '"Claims" is not an operation. Did you mean "claims"?'),
        ({"zzz": "/x"}, '"zzz" is not an operation. The operations are: budget_details, claims, item.'),
        ({"budget_details": "/budget"}, 'the path of "budget_details" needs {budgetId}.'),
        (
            {"budget_details": "/budget/{budgetID}"},
            'the path of "budget_details" has {budgetID}, which nothing fills in. Did you mean {budgetId}?',
        ),
        ({"claims": "/claim/{claimId}"}, 'the path of "claims" has {claimId}, which nothing fills in.'),
        ({"budget_details": "/{budgetId"}, 'the path of "budget_details" has an unmatched brace.'),
        ({"budget_details": "/{}/{budgetId}"}, 'the path of "budget_details" has {}, which nothing fills in.'),
        (
            {"budget_details": "/{budgetId!r}"},
            'the path of "budget_details" has more than a name in the braces {budgetId}.',
        ),
        ({"claims": ""}, 'the path of "claims" must begin with /.'),
        ({"claims": "https://elsewhere.example/claim"}, 'the path of "claims" must begin with /.'),
    ],
)
def test_a_wrong_path_is_named_with_what_is_right(given, complaint):
    assert wrong_paths("CAREFUND_PATHS", given, KNOWN) == [f"CAREFUND_PATHS: {complaint}"]


@pytest.mark.parametrize(
    "given", [{}, {"budget_details": "/v2/{budgetId}?again={budgetId}"}, {"item": "/{itemId}/of/{invoiceId}"}]
)
def test_right_paths_are_left_alone(given):
    assert wrong_paths("CAREFUND_PATHS", given, KNOWN) == []


def test_a_missing_placeholder_is_said_beside_a_misspelt_one():
    assert len(wrong_paths("CAREFUND_PATHS", {"item": "/{invoice_id}"}, KNOWN)) == 2
