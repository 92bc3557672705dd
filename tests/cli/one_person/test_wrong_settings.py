"""A setting that cannot be right stops every command at once, in one line that names it; `carefund check` too."""

import pytest

from tests.installation import Installation

pytestmark = pytest.mark.one_database

PATHS = "CAREFUND_SERVICES_AUSTRALIA_PATHS"


@pytest.mark.parametrize("command", ["check", "worker"])
def test_a_misspelt_operation_stops_the_start_and_names_the_nearest(installation: Installation, command: str):
    done = installation.type(command, services_australia_paths="budget_detail=/budget/{budgetId}")
    assert (done.status, done.out) == (1, "")
    assert done.err == f'Error: {PATHS}: "budget_detail" is not an operation. Did you mean "budget_details"?\n'


def test_the_ndias_paths_are_held_to_the_same(installation: Installation):
    done = installation.type("check", ndia_paths="ndia_plan=/plans")
    assert (done.status, done.out) == (1, "")
    assert done.err == 'Error: CAREFUND_NDIA_PATHS: "ndia_plan" is not an operation. Did you mean "ndia_plans"?\n'


def test_a_spelling_of_an_unknown_member_stops_the_start_and_names_the_nearest(installation: Installation):
    done = installation.type("check", services_australia_spellings="Budget.usd=amountSpent")
    assert (done.status, done.out) == (1, "")
    expected = '"Budget.usd" is not a member of an answer. Did you mean "Budget.used"?'
    assert done.err == f"Error: CAREFUND_SERVICES_AUSTRALIA_SPELLINGS: {expected}\n"


def test_each_wrong_path_has_a_line(installation: Installation):
    done = installation.type("check", services_australia_paths="claim=/x, budget_details=/budget", ndia_paths="x=/y")
    assert done.status == 1
    assert len(done.err.splitlines()) == 3


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("services_australia_paths", "budget_details"),
        ("services_australia_spellings", "Budget.used"),
        ("page_limit", "many"),
        ("timeout_seconds", "soon"),
        ("subject", "care_recipient"),
        ("funder_environment", "prod"),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_line_without_a_traceback(
    installation: Installation, variable: str, value: str
):
    done = installation.type("check", **{variable: value})
    assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert done.err.startswith(f"Error: CAREFUND_{variable.upper()}")


def test_right_paths_with_blanks_between_them_are_taken(installation: Installation):
    paths = "budget_details=/service/support-at-home/budget/v1/{budgetId} , claims=/service/support-at-home/claim/v1"
    assert installation.type("check", services_australia_paths=paths).status == 0
