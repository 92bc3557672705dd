"""No text in a file that a spreadsheet opens is run as a formula."""

import pytest

from carefund.domain.spreadsheet_formulas import make_plain


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "|cmd", "%0A=1", "\t=1", "\r=1", "\n=1", "\tJo", " =1", "\u00a0=1", "\u3000＝1",
        "＝1", "＋1", "－1", "＠1", "\ufeff=1", "\u200b=1", '"=1', " \n\t =1", "﹦1", "\x00=1",
    ],
)  # fmt: skip
def test_what_might_be_a_formula_becomes_plain_text(text: str):
    assert make_plain(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Jo", " Jo", "O'Brien", "1+1", "a=b", "Müller-Lüdenscheidt", "２"])
def test_other_texts_stay_as_they_are(text: str):
    assert make_plain(text) == text
