"""The gate: obtaining a client means being allowed to."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from carefund.access.gate import (
    OPERATOR,
    find_care_recipient_to_read,
    find_client_to_read,
    find_client_to_synchronise,
    find_clients_by_care_recipient_id,
    find_contract_to_synchronise,
    find_invoice_to_claim,
    find_match_to_decide,
    list_chosen_clients,
    list_clients_for,
)
from carefund.access.roles import (
    Role,
    give_role,
    may_administer,
    may_enter,
    may_export,
    may_run_in_bulk,
    may_synchronise,
    rights_of,
)
from carefund.records.models import Client, ClientMatch, Invoice, ServiceContract
from carefund.records.not_found import NotHere
from tests.console import world

NOW = timezone.now()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords cheaply: the cost that protects them is not what these tests are about."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast() -> world.Cast:
    return world.make_cast()


@pytest.fixture
def here() -> Client:
    return world.make_clients(1)[0]


@pytest.fixture
def elsewhere() -> Client:
    return world.make_clients(1, branch=world.OTHER_BRANCH, first_id=400000101)[0]


def again(user: User) -> User:
    """The account as the next request sees it."""
    return User.objects.get(pk=user.pk)


def test_every_role_is_a_group_from_the_start() -> None:
    assert set(Group.objects.values_list("name", flat=True)) >= set(Role)


def test_a_coordinator_reads_clients_of_their_own_branches_only(
    cast: world.Cast, here: Client, elsewhere: Client
) -> None:
    assert find_client_to_read(cast.ben, here.pk) == here
    assert list(list_clients_for(cast.ben)) == [here]
    with pytest.raises(NotHere):
        find_client_to_read(cast.ben, elsewhere.pk)


def test_administrators_and_finance_read_everybody(cast: world.Cast, here: Client, elsewhere: Client) -> None:
    for person in (cast.ada, cast.fay):
        assert set(list_clients_for(person)) == {here, elsewhere}


def test_without_a_role_nothing_is_visible(cast: world.Cast, here: Client) -> None:
    assert not list_clients_for(cast.dee).exists()
    with pytest.raises(PermissionDenied):
        find_client_to_read(cast.dee, here.pk)


def test_a_client_of_no_known_branch_is_in_no_branch(cast: world.Cast) -> None:
    nowhere = world.make_clients(1, branch="", first_id=400000201)[0]
    give_role(cast.ben, Role.COORDINATOR, [""])
    assert nowhere not in list_clients_for(again(cast.ben))
    assert nowhere in list_clients_for(cast.ada)


def test_who_reads_only_may_not_synchronise(cast: world.Cast, here: Client) -> None:
    assert find_client_to_read(cast.rex, here.pk) == here
    with pytest.raises(PermissionDenied):
        find_client_to_synchronise(cast.rex, here.pk)
    assert find_client_to_synchronise(cast.ben, here.pk) == here


@pytest.mark.parametrize(
    ("name", "enter", "synchronise", "bulk", "export", "administer"),
    [
        ("ada", True, True, True, True, True),
        ("fay", True, True, True, True, False),
        ("ben", True, True, False, False, False),
        ("rex", True, False, False, False, False),
        ("dee", False, False, False, False, False),
    ],
)
def test_rights_follow_the_role(
    cast: world.Cast, name: str, enter: bool, synchronise: bool, bulk: bool, export: bool, administer: bool
) -> None:
    user = getattr(cast, name)
    rights = (may_enter(user), may_synchronise(user), may_run_in_bulk(user), may_export(user), may_administer(user))
    assert rights == (enter, synchronise, bulk, export, administer)


def test_a_closed_account_has_no_rights(cast: world.Cast) -> None:
    cast.ada.is_active = False
    cast.ada.save()
    assert rights_of(again(cast.ada)).role is None


def test_a_new_role_replaces_the_old_one_and_keeps_other_groups(cast: world.Cast) -> None:
    cast.ben.groups.add(Group.objects.create(name="Social club"))
    give_role(cast.ben, Role.READ_ONLY, [world.OTHER_BRANCH])
    rights = rights_of(again(cast.ben))
    assert rights.role is Role.READ_ONLY
    assert rights.service_provider_ids == frozenset({world.OTHER_BRANCH})
    assert set(cast.ben.groups.values_list("name", flat=True)) == {Role.READ_ONLY, "Social club"}


def test_a_superuser_is_an_administrator() -> None:
    assert rights_of(User.objects.create_superuser("root")).role is Role.ADMINISTRATOR


def test_who_added_a_client_of_no_known_branch_sees_them_until_it_is_known(cast: world.Cast) -> None:
    [new] = world.make_clients(1, branch="", first_id=400000301)
    Client.objects.filter(pk=new.pk).update(added_by=cast.ben)
    assert find_client_to_synchronise(cast.ben, new.pk) == new
    for person in (cast.cy, cast.rex):
        with pytest.raises(NotHere):
            find_client_to_read(person, new.pk)
    Client.objects.filter(pk=new.pk).update(service_provider_id=world.OTHER_BRANCH)
    with pytest.raises(NotHere):
        find_client_to_read(cast.ben, new.pk)
    assert find_client_to_read(cast.cy, new.pk) == new


def test_who_added_a_client_and_only_reads_now_does_not_see_them(cast: world.Cast) -> None:
    [new] = world.make_clients(1, branch="", first_id=400000302)
    Client.objects.filter(pk=new.pk).update(added_by=cast.rex)
    with pytest.raises(NotHere):
        find_client_to_read(cast.rex, new.pk)


def test_whoever_is_at_the_machine_passes_the_same_gate_and_reads_everybody(here: Client, elsewhere: Client) -> None:
    assert set(list_clients_for(OPERATOR)) == {here, elsewhere}
    assert find_care_recipient_to_read(OPERATOR, elsewhere.care_recipient_id or "") == elsewhere
    assert find_client_to_synchronise(OPERATOR, here.pk) == here
    for find in (find_client_to_synchronise, find_match_to_decide, find_contract_to_synchronise):
        with pytest.raises(NotHere):
            find(OPERATOR, 999)


def test_what_hangs_on_a_client_is_as_visible_as_the_client(cast: world.Cast, here: Client, elsewhere: Client) -> None:
    ids = [client.care_recipient_id or "" for client in (here, elsewhere)]
    assert set(find_clients_by_care_recipient_id(cast.ben, ids)) == {here.care_recipient_id}
    assert list(list_chosen_clients(cast.ben, [here.pk, elsewhere.pk])) == [here]
    match = ClientMatch.objects.create(client=elsewhere, care_recipient_id="400000999", first_name="A", last_name="B")
    contract = ServiceContract.objects.create(
        client=elsewhere, ndis_number="430000001", start_date=date(2026, 1, 1), created_at=NOW, synced_at=NOW
    )
    with pytest.raises(NotHere):
        find_match_to_decide(cast.ben, match.pk)
    with pytest.raises(NotHere):
        find_contract_to_synchronise(cast.ben, contract.pk)
    assert find_match_to_decide(cast.ada, match.pk) == match
    assert find_contract_to_synchronise(cast.ada, contract.pk) == contract


def test_an_invoice_is_for_those_who_may_claim(cast: world.Cast) -> None:
    invoice = Invoice.objects.create(external_reference_id="R-1", service_provider_id="1")
    assert find_invoice_to_claim(cast.fay, reference="R-1") == invoice
    with pytest.raises(NotHere):
        find_invoice_to_claim(cast.fay, reference="R-2")
    with pytest.raises(PermissionDenied):
        find_invoice_to_claim(cast.ben, reference="R-1")
