"""The same write again, with its key, is answered the same and done once: also beside itself, and after a kill."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from carefund.access import idempotency
from carefund.access.idempotency import AnsweredCall, CallKey, forget_answers, only_once
from carefund.access.models import AccessLogEntry, ApiToken
from carefund.records.models import Change, Client, ServiceProvider
from carefund.rest.api import api
from carefund.runs.expired_data import delete_expired_data
from carefund.runs.models import Run
from tests.rest.conftest import BRANCH, Call

pytestmark = pytest.mark.django_db
PATH = "/clients-by-reference/HR-1"
WILMA = {"first_name": "Wilma", "last_name": "Example", "service_provider_id": BRANCH}
KEY = {"Idempotency-Key": "b0e9e1ae-1"}


@pytest.fixture
def ask(call: Callable[..., Call]) -> Call:
    now = timezone.now()
    ServiceProvider.objects.create(service_provider_id=BRANCH, first_seen_at=now, last_seen_at=now)
    return call()


def test_the_same_again_is_answered_the_same_and_done_once(ask: Call):
    first = ask("put", PATH, WILMA, KEY)
    Client.objects.update(last_name="Changed since")
    again = ask("put", PATH, WILMA, KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert (Change.objects.count(), Client.objects.get().last_name) == (1, "Changed since")
    assert AccessLogEntry.objects.count() == 2, "each use is in the log"


def test_a_run_is_asked_for_once(ask: Call, add_client: Any):
    client = add_client("400000001", service_provider_id=BRANCH)
    answers = [ask("post", "/runs", {"client_ids": [client.pk]}, KEY) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == Run.objects.count() == 1


def test_another_call_under_the_same_key_is_refused(ask: Call):
    ask("put", PATH, WILMA, KEY)
    for path, body in ((PATH, WILMA | {"last_name": "Other"}), ("/clients-by-reference/HR-2", WILMA)):
        answer = ask("put", path, body, KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    assert ask("put", PATH, WILMA | {"last_name": "Other"}, {"Idempotency-Key": "2"}).status_code == 200


def test_a_refused_call_may_be_mended_under_its_key_and_its_use_is_logged(ask: Call):
    assert ask("put", PATH, {"first_name": "Wilma"}, KEY).status_code == 422
    assert ask("put", PATH, WILMA, KEY).status_code == 201
    assert AccessLogEntry.objects.count() == 2


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(ask: Call, key: str):
    answer = ask("put", PATH, WILMA, {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "Idempotency-Key")
    assert not Client.objects.exists()


def test_keys_of_other_tokens_are_others(ask: Call, call: Callable[..., Call]):
    ask("put", PATH, WILMA, KEY)
    answer = call()("put", PATH, WILMA, KEY)
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (200, False)


def test_a_key_counts_for_a_day(ask: Call):
    ask("put", PATH, WILMA, KEY)
    AnsweredCall.objects.update(answered_at=timezone.now() - timedelta(hours=25))
    assert ask("put", PATH, WILMA, KEY).status_code == 200, "the client is here"
    AnsweredCall.objects.update(answered_at=timezone.now() - timedelta(hours=25))
    delete_expired_data(timezone.now())
    assert not AnsweredCall.objects.exists()


def test_an_answer_does_not_outlive_a_person_who_is_erased(ask: Call):
    ask("put", PATH, WILMA, KEY)
    forget_answers()
    answer = ask("put", PATH, WILMA, KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_what_dies_half_way_leaves_neither_write_nor_answer(ask: Call):
    """A process that is killed loses its transaction; an exception in the middle does the same."""
    call = CallKey(ApiToken.objects.get().pk, "b0e9e1ae-1", "digest")

    def die_half_way() -> None:
        with only_once(call):
            Client.objects.create(first_name="Wilma", last_name="Example")
            call.store_answer(201, {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die_half_way()
    assert not Client.objects.exists()
    assert ask("put", PATH, WILMA, KEY).status_code == 201


def test_beside_itself_it_is_refused_until_the_first_has_ended(ask: Call):
    with only_once(CallKey(ApiToken.objects.get().pk, "b0e9e1ae-1", "digest")):
        answer = ask("put", PATH, WILMA, KEY)
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (409, "key-in-use", "1")
    assert ask("put", PATH, WILMA, KEY).status_code == 201


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_beside_itself_in_another_process_it_is_refused_too(ask: Call):
    """Another process has no memory in common with this one: only the database's lock."""
    call = CallKey(ApiToken.objects.get().pk, "b0e9e1ae-1", "digest")
    held, end = threading.Event(), threading.Event()

    def hold() -> None:
        with only_once(call):
            idempotency._in_progress.clear()
            held.set()
            end.wait(10)
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    assert ask("put", PATH, WILMA, KEY).json()["code"] == "key-in-use"
    end.set()
    other.join()
    assert ask("put", PATH, WILMA, KEY).status_code == 201


def test_every_write_is_described_with_its_key():
    writes = [
        operation
        for operations in api.get_openapi_schema()["paths"].values()
        for method, operation in operations.items()
        if method in {"post", "put", "patch", "delete"}
    ]
    assert len(writes) >= 4
    for operation in writes:
        assert any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"]), operation[
            "operationId"
        ]
        assert {409, 422} <= set(operation["responses"])
