"""A partner's gateway as the second source: the same engine, the same contract."""

import pytest

from carefund.domain.pace.plan import budget_ids, from_data
from carefund.funders.errors import AuthorityMissing, IdentityNotMatched, NotAuthenticated, NotConfigured
from carefund.runs.pace import create_from_preview, preview_pace, preview_sync
from carefund.sync.pace_problems import NotOnPace
from tests.pace_world import NdiaSandbox


@pytest.fixture
def partner(ndia: NdiaSandbox, settings: object) -> NdiaSandbox:
    settings.NDIA_PARTNER_URL = f"{ndia.url}/partner"  # type: ignore[attr-defined]
    settings.NDIA_PARTNER_ORGANISATION = "wattle-grove"  # type: ignore[attr-defined]
    settings.NDIA_PARTNER_KEY = "sandbox-partner-key"  # type: ignore[attr-defined]
    return ndia


def test_the_same_contract_comes_of_it_without_periods(partner: NdiaSandbox) -> None:
    client = partner.client("take-over")
    preview = preview_pace(client)
    contract = create_from_preview(client, preview.token, budget_ids(from_data(preview.plan).budgets))
    assert contract.budgets.count() == 6
    assert contract.delivered_services.count() == 5
    assert (
        contract.delivered_services.get(budget__category_number="14").service_provider_name == "Previous Plan Manager"
    )
    _, found = preview_sync(contract)
    assert found.differences == ()
    assert partner.asked("ndia_plans") == []
    assert len(partner.asked("ndia_partner_budget")) == 3


@pytest.mark.parametrize(("scenario", "error"), [("no-consent", AuthorityMissing), ("old-system", NotOnPace)])
def test_refusals_mean_the_same(partner: NdiaSandbox, scenario: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        preview_pace(partner.client(scenario))


def test_somebody_unknown_to_the_gateway_is_nobody(partner: NdiaSandbox) -> None:
    with pytest.raises(IdentityNotMatched):
        preview_pace(partner.client("take-over", ndis_number="430999999"))


def test_a_wrong_key_and_a_missing_one_are_told_apart(partner: NdiaSandbox, settings: object) -> None:
    client = partner.client("take-over")
    settings.NDIA_PARTNER_KEY = "wrong"  # type: ignore[attr-defined]
    with pytest.raises(NotAuthenticated):
        preview_pace(client)
    settings.NDIA_PARTNER_KEY = ""  # type: ignore[attr-defined]
    with pytest.raises(NotConfigured, match="CAREFUND_NDIA_PARTNER_KEY"):
        preview_pace(client)
