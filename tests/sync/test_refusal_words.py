"""What a funder says of a refusal goes into a report without a value: no id, name, date, amount or address."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import Detail
from carefund.sync.refusal_words import describe_refusal, without_values

NAMES = ("Wilma O'Hara",)
MONTHS = ("January", "Feb", "mar", "April", "May", "June", "Sept", "OCT", "Dec.")


@pytest.mark.parametrize(
    ("said", "reported"),
    [
        ("Recipient 400000003 has no service on 12/05/2026.", "Recipient … has no service on …."),
        ("Recipient WILMA O'Hara, born 1 May 1940, has left", "Recipient …, born …, has left"),
        ("Mrs O'Hara (May 1, 1940)", "Mrs … (…)"),
        ("Invoice INV-20260512-7 is $1,234.50 too high; see SERV-0001", "Invoice … is … too high; see SERV-0001"),
        ('"deliveryDate" must be before exitDate', '"deliveryDate" must be before exitDate'),
        ("Recipient N1234 (AB-12) has left", "Recipient … (…) has left"),
        ("Wilma O’Hara, O`HARA, OHARA and O´hara", "… and …"),
        ("Write to wilma@example.org", "Write to …"),
        ("id=4049000001,4049000002", "id=…"),
        ("Closed for maintenance", "Closed for maintenance"),
    ],
)
def test_the_reason_stays_and_the_values_go(said: str, reported: str):
    assert without_values(said, NAMES) == reported


@pytest.mark.parametrize(
    ("name", "said"),
    [("José", "Jose"), ("Jose", "JOSÉ"), ("José", "Jose\u0301"), ("Bjørn", "Bjorn"), ("O’Brien", "O'Brien"),
     ("Anne Marie", "Annemarie"), ("Anne-Marie", "ANNE MARIE"), ("Jose\u0301", "José"), ("O＇Brien", "O'Brien")],
)  # fmt: skip
def test_a_name_goes_in_whatever_way_either_side_spells_it(name: str, said: str):
    assert without_values(f"No service for {said} today", (name,)) == "No service for … today"


def test_each_complaint_has_its_code_and_its_field():
    problem = RequestRejected(
        details=[
            Detail("5", "DHSEIN", "Recipient 400000003 is not known.", "items.0.careRecipientId"),
            Detail("5", "DHSEIN", "Recipient 400000003 is not known.", "items.0.careRecipientId"),
            Detail("400000003"),
            Detail("E1016"),
            Detail(),
        ]
    )
    expected = "Recipient … is not known. (code 5, DHSEIN, field …); (code …); (code E1016)"
    assert describe_refusal(problem) == expected
    assert describe_refusal(RequestRejected()) == ""


# No word of the sentences is made of these letters.
@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(
    name=st.text("wqxzjkvç", min_size=2, max_size=9).map(str.capitalize),
    value=st.one_of(
        st.integers(10_000, 10**12).map(str),
        st.integers(1000, 10**8).map(lambda number: f"INV/{number:,}-B"),
        st.dates().map(str),
        st.dates().map(lambda day: day.strftime("%d/%m/%y")),
        st.tuples(st.integers(1, 31), st.sampled_from(MONTHS), st.integers(1900, 2100)).map(
            lambda day: f"{day[0]} {day[1]} {day[2]}"
        ),
        st.decimals(-(10**6), 10**6, places=2, allow_nan=False).map(lambda amount: f"${amount:,}"),
    ),
    sentence=st.sampled_from(
        ("No service of {0} for {1}.", "{1}: ({0})", '"{0}","{1}"', "{0}={1}", "[{1}]{0}!", "of {1} {0}, or not")
    ),
)
def test_no_value_survives_wherever_it_stands(name: str, value: str, sentence: str):
    reported = without_values(sentence.format(value, name), (name,))
    assert name.casefold() not in reported.casefold()
    assert not any(letter.isdigit() for letter in reported)
    assert not [month for month in MONTHS if month in value and month in reported]
