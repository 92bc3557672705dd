"""Configuration: presets per environment, and one clear line for each value that is missing."""

import pytest

from carefund.funders.configuration import configure, missing_values
from carefund.funders.connection_check import check_access
from carefund.funders.devices import InMemoryDeviceStore
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.sessions import open_proda, open_services_australia

LIVE = {
    "organisation_id": "2410000001",
    "device_name": "device-1",
    "proda_client_id": "client",
    "client_id": "id",
    "product_id": "Carefund 0.1",
    "token_audience": "https://audience.example",
}


def test_the_sandbox_is_complete_by_itself():
    for funder in ("services-australia", "ndia"):
        assert missing_values(configure(funder)) == []


@pytest.mark.parametrize("environment", ["vendor", "production"])
def test_what_is_not_public_has_no_default(environment):
    missing = dict(missing_values(configure("services-australia", environment)))
    assert set(missing) == {
        "CAREFUND_ORGANISATION_ID",
        "CAREFUND_DEVICE_NAME",
        "CAREFUND_PRODA_CLIENT_ID",
        "CAREFUND_CLIENT_ID",
        "CAREFUND_PRODUCT_ID",
        "CAREFUND_SERVICES_AUSTRALIA_AUDIENCE",
    }
    assert all(sentence.startswith(name) for name, sentence in missing.items())


def test_the_address_of_the_ndia_is_not_public():
    assert "CAREFUND_NDIA_URL" in dict(missing_values(configure("ndia", "production", **LIVE)))


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("vendor", "https://test.healthclaiming.api.humanservices.gov.au/claiming/ext-vnd/acws"),
        ("production", "https://healthclaiming.api.humanservices.gov.au/claiming/ext-prd/acws"),
    ],
)
def test_live_environments_have_the_public_hosts_and_polite_limits(environment, host):
    configuration = configure("services-australia", environment, **LIVE)
    assert missing_values(configuration) == []
    assert configuration.base_url == host
    assert (configuration.timing.calls_at_once, configuration.timing.calls_per_second) == (4, 5)


def test_what_is_given_wins_over_presets_and_blank_counts_as_not_given():
    configuration = configure("services-australia", client_id="mine", organisation_id="", timing={"attempts": 2})
    assert configuration.client_id == "mine"
    assert configuration.organisation_id == "2410000001"
    assert configuration.timing.attempts == 2
    assert configuration.timing.calls_per_second == 0


@pytest.mark.parametrize("share", [0.5, 1, 0])
def test_a_share_that_would_have_us_slowed_down_is_refused(share):
    assert missing_values(configure("services-australia", timing={"refresh_share": share}))


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_page_limit_outside_the_funders_range_is_refused(limit):
    assert missing_values(configure("services-australia", page_limit=limit))


@pytest.mark.anyio
async def test_going_live_without_the_values_stops_before_anything_is_sent():
    with pytest.raises(NotConfigured, match="CAREFUND_SERVICES_AUSTRALIA_AUDIENCE is not set"):
        async with open_services_australia(configure("services-australia", "vendor"), InMemoryDeviceStore()):
            pass


@pytest.mark.anyio
async def test_a_check_tells_what_works_and_when_it_expires(sandbox, configuration, store):
    check = await check_access(configuration, store)
    assert check.works
    assert check.device_status == "ACTIVE"
    assert check.token_expires_at < check.key_due_at < check.key_expires_at < check.device_expires_at


@pytest.mark.anyio
async def test_a_check_asks_for_a_new_token_whatever_is_in_hand(sandbox, configuration, store):
    async with open_proda(configuration, store) as proda:
        await proda.fetch_token()
    address = f"/proda/devices/{configuration.device_name}"
    sandbox.control("POST", address, {"status": "INACTIVE"})
    try:
        check = await check_access(configuration, store)
    finally:
        sandbox.control("POST", address, {"status": "ACTIVE"})
    assert not check.works
    assert check.problem.code == "device-inactive"
    assert (await check_access(configuration, store)).works


@pytest.mark.anyio
async def test_a_check_tells_what_stands_in_the_way(sandbox, configuration):
    check = await check_access(configuration, InMemoryDeviceStore())
    assert not check.works
    assert check.problem.code == "device-not-activated"
    unset = await check_access(configure("services-australia", "vendor"), InMemoryDeviceStore())
    assert not unset.works
    assert len(unset.missing) == 6
