"""The interfaces file: what is wrong in it is said in one sentence each; what is right changes how answers are read."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings

from carefund.funders.decoding import RowReader
from carefund.funders.dialect import PLAIN, Dialect, Interfaces
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.interfaces.file import as_text, read_file, read_text
from carefund.funders.interfaces.file_lines import UNKNOWN, Line, add_lines, read_key
from carefund.funders.services_australia.operations import path_for
from carefund.funders.services_australia.payloads import Budget, BudgetDetails

from .dialects import dialects

HEAD = "format = 1\n[services-australia."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", 'i.toml: must begin with "format = 1"; another format is of another version of Carefund.'),
        ("format = 2", 'i.toml: must begin with "format = 1"; another format is of another version of Carefund.'),
        ("format = 1\n[service-australia]", 'i.toml: "service-australia" is not a table of this file.'),
        (HEAD + "member]", 'i.toml: "member" is not a table of [services-australia]. Did you mean "members"?'),
        (HEAD + 'paths]\nbudget_detail = "/x"', '"budget_detail" is not an operation. Did you mean "budget_details"?'),
        (HEAD + 'paths]\nbudget_details = "/x/{budgetid}"', "Did you mean {budgetId}?"),
        (HEAD + 'members.Budgets]\nused = "x"', '"Budgets" is not a type of answer. Did you mean "Budget"?'),
        (HEAD + 'members.Budget]\nusd = "x"', '"Budget.usd" is not a member of an answer. Did you mean "Budget.used"?'),
        (HEAD + "members.Budget]\nused = 3", "members, Budget.used: must be a text that is not blank."),
        (
            HEAD + 'members.Budget]\nused = "writeOff"',
            'members: Budget.used and Budget.write_off would both be "writeOff".',
        ),
        (
            HEAD + 'members.Budget]\nused = "x"\nwrite_off = "x"',
            'members: Budget.used and Budget.write_off would both be "x".',
        ),
        (
            HEAD + 'parameters]\npages = "x"',
            '"pages" is not a query parameter that Carefund sends. Did you mean "page"?',
        ),
        (HEAD + 'parameters]\npage = "limit"', 'parameters: page and limit would both be called "limit".'),
        (HEAD + 'dates]\nformat = "d/m/y"', "dates: the format must be one of yyyy-MM-dd, dd/MM/yyyy"),
        (HEAD + 'signs.Budget]\nused = "other"', 'signs, Budget.used: must be "usual" or "opposite".'),
        (HEAD + 'signs.Budget]\nstatus = "opposite"', '"Budget.status" is not an amount.'),
        (
            HEAD + 'codes.Budget.status]\nOPEN = "O"\nCLOSED = "O"',
            'codes, Budget.status: "O" would stand for two codes.',
        ),
        (HEAD + 'envelopes]\nbudgets = "data"', '"budgets" is not an operation.'),
        (HEAD + 'envelopes]\nbudget_details = "data..x"', "must name members with points between them"),
        ("format = ", "is not TOML: look at end of document."),
        ("format = 1\n[[x", "is not TOML: look at"),
    ],
)
def test_each_fault_is_one_sentence(text: str, sentence: str):
    with pytest.raises(NotConfigured) as refused:
        read_text(text, "i.toml")
    assert sentence in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path):
    for content in (None, b"\xff\xfe", b"#" * 2_000_000):
        file = tmp_path / "i.toml"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(NotConfigured) as refused:
            read_file(file)
        assert len(str(refused.value).splitlines()) == 1


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(interfaces=dialects())
def test_what_is_written_is_read_as_the_same(interfaces: dict[str, Interfaces]):
    assert read_text(as_text(interfaces), "i.toml") == interfaces


def test_members_may_swap_names_and_have_no_other_spelling():
    reader = RowReader(Budget, dialect=Dialect(members=(("Budget.used", "writeOff"), ("Budget.write_off", "used"))))
    [row] = reader.read_rows(b'[{"budgetId":"1","writeOff":-5.00,"used":-1.00,"amountUsed":-9.00}]', "budgets")
    assert (row.used, row.write_off) == (Decimal("-5.00"), Decimal("-1.00"))
    assert isinstance(row, Budget)


def test_renamed_members_are_decoded_on_the_fast_way():
    """What the type's own decoder takes needs no tidying, so the cost is that of the plain dialect."""
    reader = RowReader(
        BudgetDetails, dialect=Dialect(members=(("BudgetPeriod.budget_id", "key"), ("Budget.used", "spent")))
    )
    decoded = msgspec.json.decode(b'{"key":"1","spent":-5.00,"entitlements":[{"amount":3.00}]}', type=reader._kind)
    assert (decoded.budget_id, decoded.used, decoded.entitlements[0].amount) == ("1", Decimal("-5"), Decimal("3"))


def test_dates_signs_codes_and_envelopes_are_read_as_the_file_says():
    dialect = Dialect(
        date_format="dd/MM/yyyy",
        turned=("Budget.used",),
        codes=(("Budget.status", "O", "OPEN"),),
        envelopes=(("budgets", "data.rows"),),
    )
    row = b'{"budgetId":"1","used":"5.00","writeOff":0.00,"startDate":"02/10/2026","status":"O"}'
    body = b'{"data":{"rows":[' + row + b']},"messages":[]}'
    [read] = RowReader(Budget, dialect=dialect).read_rows(body, "budgets")
    assert (str(read.used), str(read.start_date), read.status) == ("-5.00", "2026-10-02", "OPEN")


def test_a_dialect_is_part_of_how_rows_are_read_and_the_plain_one_changes_nothing():
    plain = RowReader(Budget).description
    assert RowReader(Budget, dialect=PLAIN).description == plain
    differing = (
        Dialect(members=(("Budget.used", "x"),)),
        Dialect(date_format="dd/MM/yyyy"),
        Dialect(turned=("Budget.used",)),
        Dialect(envelopes=(("budgets", "x"),)),
    )
    assert len({RowReader(Budget, dialect=dialect).description for dialect in differing} - {plain}) == len(differing)


def test_parameters_are_called_as_the_file_says():
    interfaces = Interfaces(parameters={"": {"page": "pageNumber"}, "invoices": {"limit": "size"}})
    query = {"page": 1, "limit": 10}
    assert path_for("invoices", {}, {}, query, interfaces).endswith("/invoice/v1?pageNumber=1&size=10")
    assert path_for("claims", {}, {}, query, interfaces).endswith("/claim/v1?pageNumber=1&limit=10")


@pytest.mark.parametrize(
    "content",
    ["format = " + "9" * 5_000, "format = 1\n[services-australia.dates]\nformat = [1]", "x = " + "[" * 100_000],
)
def test_a_value_that_no_file_has_is_refused_in_one_sentence(content: str):
    with pytest.raises(NotConfigured) as refused:
        read_text(content, "interfaces.toml")
    assert len(str(refused.value)) < 200


def test_a_line_takes_the_place_of_one_about_the_same():
    name = "services-australia"
    before = Dialect(
        members=(("Budget.total", "sum"), ("Budget.used", "spent")),
        turned=("Budget.used",),
        codes=(("Budget.status", "C", "CLOSED"), ("Budget.status", "O", "OPEN")),
        envelopes=(("budget_details", "data"),),
    )
    lines = [
        Line("members", "Budget.used", "drawn"),
        Line("signs", "Budget.used", "usual"),
        Line("signs", "Budget.write_off", "opposite"),
        Line("codes", "Budget.status.CLOSED", "O"),
        Line("dates", "format", "dd/MM/yyyy"),
        Line("envelopes", "budget_details", "data.rows"),
        Line("members", "PlanRow.plan_end_date", "until", interface="ndia"),
    ]
    said = add_lines({name: Interfaces({"budget_details": "/x/{budgetId}"}, dialect=before)}, lines)
    assert said[name].paths == {"budget_details": "/x/{budgetId}"}
    assert said[name].dialect == Dialect(
        members=(("Budget.total", "sum"), ("Budget.used", "drawn")),
        date_format="dd/MM/yyyy",
        turned=("Budget.write_off",),
        codes=(("Budget.status", "O", "CLOSED"),),
        envelopes=(("budget_details", "data.rows"),),
    )
    assert said["ndia"].dialect.members == (("PlanRow.plan_end_date", "until"),)
    assert add_lines(said, lines) == said
    assert [read_key(line.key) for line in lines] == lines


@pytest.mark.parametrize("line", [Line("paths", "budget_details", UNKNOWN), Line("members", "Budget.used", UNKNOWN)])
def test_a_line_that_only_a_person_can_complete_has_no_key(line: Line):
    assert (line.key, read_key("|".join((line.interface, line.table, line.ours, line.theirs)))) == ("", None)
    assert read_key("x") is None
