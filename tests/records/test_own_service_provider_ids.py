"""Which service provider ids are ours. Source: rule SYNC-14."""

from datetime import UTC, datetime

import pytest

from carefund.records.models import Claim, Client, Invoice, ServiceProvider
from carefund.records.own_service_provider_ids import list_own_service_provider_ids

NOW = datetime(2026, 11, 20, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_nothing_is_ours_before_anything_is_known() -> None:
    assert list_own_service_provider_ids() == []


def test_every_table_that_names_one_counts_and_each_id_once() -> None:
    ServiceProvider.objects.create(service_provider_id="22", first_seen_at=NOW, last_seen_at=NOW)
    for number, provider_id in enumerate(("11", "33", "", "11")):
        Client.objects.create(first_name="A", last_name=f"B{number}", service_provider_id=provider_id)
        Invoice.objects.create(
            external_reference_id=f"I{number}", service_provider_id=provider_id and f"{provider_id}9"
        )
    Claim.objects.create(claim_id="1", service_provider_id="44", made_at=NOW)
    assert list_own_service_provider_ids() == ["11", "119", "22", "33", "339", "44"]
