"""Who drew on a budget. Source: rule SYNC-14."""

import pytest

from carefund.domain.care_recipient.draws import DrawnBy, who_drew

OWN = {"2200000011", "2200000012"}


@pytest.mark.parametrize(
    ("service_provider_id", "has_line", "expected"),
    [
        pytest.param("2200000011", True, DrawnBy.US, id="ours, for a line"),
        pytest.param("2200000012", False, DrawnBy.US_WITHOUT_LINE, id="ours, for nothing that is here"),
        pytest.param("9900000099", False, DrawnBy.ANOTHER_PROVIDER, id="another provider's"),
        pytest.param("", True, DrawnBy.US, id="a line says enough"),
        pytest.param("", False, DrawnBy.ANOTHER_PROVIDER, id="nothing says that it is ours"),
    ],
)
def test_who_drew_follows_from_the_provider_id_and_the_line(service_provider_id, has_line, expected):
    assert who_drew(service_provider_id, OWN, has_line=has_line) is expected


def test_nobody_is_us_while_no_id_is_known():
    assert who_drew("2200000011", set(), has_line=False) is DrawnBy.ANOTHER_PROVIDER
