"""Changes since: each comes once and none is missed, whoever writes at the same time and however slowly."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role
from carefund.records.care_recipient.clients import edit_client
from carefund.records.change_order import find_complete_id
from carefund.records.models import Change, Client
from tests.console import world
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call


def follow(ask: Call, after: int = 0, limit: int = 100) -> tuple[list[dict[str, object]], int]:
    """Every change from a number on, and the number to go on from."""
    found: list[dict[str, object]] = []
    while True:
        page = ask("get", f"/changes?after={after}&limit={limit}").json()
        found += page["changes"]
        after = page["next_after"]
        if not page["has_more"]:
            return found, after


@pytest.mark.django_db
def test_each_change_comes_once_with_its_sentence_and_cause(call: Callable[..., Call], add_client):
    wilma: Client = add_client("400000001", service_provider_id=BRANCH, external_reference_id="HR-1")
    world.make_funding(wilma)
    world.make_changes(wilma)
    ask = call()
    found, after = follow(ask, limit=2)
    assert [change["change_id"] for change in found] == list(Change.objects.order_by("id").values_list("id", flat=True))
    assert {change["cause"] for change in found} == {"funder"}
    assert all(str(change["sentence"]).endswith(".") for change in found)
    assert follow(ask, after) == ([], after)
    edit_client(wilma.pk, {"last_name": "Other"}, made_by="ada")
    (edit,), after = follow(ask, after)
    assert {name: edit[name] for name in ("external_reference_id", "field", "before", "after", "cause", "made_by")} == {
        "external_reference_id": "HR-1", "field": "last_name", "before": "Example", "after": "Other",
        "cause": "person", "made_by": "ada",
    }  # fmt: skip
    assert "Other" in str(edit["sentence"])
    assert AccessLogEntry.objects.filter(action="viewed", what="Changes (API)", client=wilma).exists()


@pytest.mark.django_db
def test_changes_are_of_clients_whom_the_token_may_read(call: Callable[..., Call], add_client):
    for care_recipient_id, branch in (("400000001", BRANCH), ("400000002", OTHER_BRANCH)):
        edit_client(add_client(care_recipient_id, service_provider_id=branch).pk, {"last_name": "B"}, made_by="ada")
    everything, after = follow(call())
    assert len(everything) == 2
    for ask in (call(Role.COORDINATOR), call(branches=(BRANCH,))):
        found, end = follow(ask)
        assert ([change["care_recipient_id"] for change in found], end) == (["400000001"], after)
    assert call(scopes=("sync",))("get", "/changes").status_code == 403


@pytest.mark.django_db
def test_a_number_from_the_future_is_refused_and_one_that_was_given_never_is(call: Callable[..., Call], add_client):
    client = add_client("400000001")
    edit_client(client.pk, {"last_name": "B"}, made_by="ada")
    ask = call()
    _, after = follow(ask)
    Change.objects.all().delete()
    assert ask("get", f"/changes?after={after}").status_code == 200
    answer = ask("get", f"/changes?after={after + 1}")
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "after")


def write(client_id: int) -> None:
    Change.objects.create(client_id=client_id, kind="client", action="changed", fetched_at=timezone.now())


def write_in_vain(client_id: int) -> None:
    with transaction.atomic():
        write(client_id)
        transaction.set_rollback(True)


@contextmanager
def threads(*work: Callable[[], None]) -> Iterator[list[threading.Thread]]:
    """Do work beside, each with a connection of its own."""

    def close_after(one: Callable[[], None]) -> None:
        try:
            one()
        finally:
            connection.close()

    beside = [threading.Thread(target=close_after, args=[function]) for function in work]
    for thread in beside:
        thread.start()
    yield beside
    for thread in beside:
        thread.join(20)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_none_is_missed_beside_many_writers_and_a_slow_one(call: Callable[..., Call], add_client):
    client: Client = add_client("400000001", service_provider_id=BRANCH)
    is_written, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            write(client.pk)
            is_written.set()
            assert may_end.wait(10)

    def write_often() -> None:
        chance = random.Random(threading.get_ident())
        for _ in range(10):
            with transaction.atomic():
                for _ in range(chance.randint(1, 3)):
                    write(client.pk)
                    time.sleep(chance.random() / 200)

    ask, found, after = call(), [], 0
    with threads(write_slowly):
        assert is_written.wait(10)
        with threads(*[write_often] * 5) as beside:
            while any(thread.is_alive() for thread in beside):
                some, after = follow(ask, after)
                found += some
        some, after = follow(ask, after)
        assert Change.objects.count() > 50
        assert found + some == []  # they stand behind the one that is not there yet
        may_end.set()
    some, after = follow(ask, after)
    numbers = [change["change_id"] for change in found + some]
    assert numbers == list(Change.objects.order_by("id").values_list("id", flat=True))
    with threads(*[write_often] * 5) as beside:
        while any(thread.is_alive() for thread in beside):
            some, after = follow(ask, after)
            numbers += [change["change_id"] for change in some]
    some, after = follow(ask, after)
    numbers += [change["change_id"] for change in some]
    assert numbers == list(Change.objects.order_by("id").values_list("id", flat=True))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_gave_up_holds_nothing_back(add_client):
    client: Client = add_client("400000001")
    write_in_vain(client.pk)
    with transaction.atomic():
        write_in_vain(client.pk)
        write(client.pk)  # marks anew, since the mark went with the savepoint
    write(client.pk)
    assert find_complete_id() == Change.objects.order_by("-id").values_list("id", flat=True)[0]
