"""The database refuses, for real: each interface says so in one sentence, keeps what was typed, and stores nothing."""

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import override_settings
from django.urls import reverse

from carefund.access.tokens import create_token
from carefund.records.models import Client
from tests.browsing import Browser
from tests.console import world as cast_world
from tests.set_up import server_address

pytestmark = pytest.mark.django_db(transaction=True)
# What is said to the database so that it refuses to be written, and what undoes that.
REFUSE, UNDO = (
    ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
    if settings.ON_POSTGRESQL
    else ("PRAGMA query_only = 1", "PRAGMA query_only = 0")
)
READ_ONLY = "The database is read-only."
TYPED = {"first_name": "Typed “with care”", "last_name": "O'Hara <b>", "birth_date": "1940-05-03"}


@pytest.fixture
def people(transactional_db: None) -> cast_world.Cast:
    cast_world.make_branches()
    return cast_world.make_cast()


@pytest.fixture
def refuse(people: cast_world.Cast) -> Iterator[Callable[[], None]]:
    """Let the database refuse to be written from now on."""

    def begin() -> None:
        with connection.cursor() as cursor:
            cursor.execute(REFUSE)

    yield begin
    with connection.cursor() as cursor:
        cursor.execute(UNDO)


def open_as(user: User) -> Browser:
    browser = Browser(raise_request_exception=False)
    browser.force_login(user)
    return browser


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_a_form_is_answered_with_a_sentence_and_what_was_typed(refuse: Callable[[], None], people: cast_world.Cast):
    browser = open_as(people.ada)
    refuse()
    answer = browser.post(reverse("console:client-new"), TYPED)
    page = answer.content.decode()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.headers["Cache-Control"] == "no-store"
    assert READ_ONLY in page
    assert "Nothing was saved." in page
    assert fields_of(page)["first_name"] == "Typed “with care”"
    assert fields_of(page)["birth_date"] == TYPED["birth_date"]
    assert f'<form method="post" action="{reverse("console:client-new")}">' in page
    assert not Client.objects.filter(first_name=TYPED["first_name"]).exists()


def test_what_was_typed_is_text_on_that_page(refuse: Callable[[], None], people: cast_world.Cast):
    browser = open_as(people.ada)
    refuse()
    page = browser.post(reverse("console:client-new"), TYPED | {"x": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


def test_a_password_is_never_on_that_page(refuse: Callable[[], None], people: cast_world.Cast):
    browser = Browser(raise_request_exception=False)
    refuse()
    answer = browser.post(reverse("console:sign-in"), {"username": "ada", "password": cast_world.PASSWORD})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert cast_world.PASSWORD not in page
    assert "Go back in your browser" in page


def test_a_csv_is_refused_before_its_first_line(refuse: Callable[[], None], people: cast_world.Cast):
    browser = open_as(people.ada)
    refuse()
    answer = browser.get(reverse("console:clients-csv"))
    assert answer.status_code == 503
    assert READ_ONLY in answer.content.decode()
    assert f'href="{reverse("console:clients-csv")}"' in answer.content.decode()


def test_a_programme_gets_a_problem_and_when_to_try_again(refuse: Callable[[], None], people: cast_world.Cast):
    token = create_token(people.fay, "payroll")[1]
    cast_world.make_clients(1)
    refuse()
    line = {
        "external_reference_id": "INV-1-1", "care_recipient_id": "400000001", "service_id": "SERV-0001",
        "delivery_date": "2026-07-09", "quantity": "1.50", "price_per_unit": "80.00",
    }  # fmt: skip
    answer = Browser(raise_request_exception=False).post(
        "/api/v1/invoices",
        {"external_reference_id": "INV-1", "line_items": [line]},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "30"


def test_a_proof_is_a_secret_too(refuse: Callable[[], None], people: cast_world.Cast):
    browser = open_as(people.ada)
    refuse()
    page = browser.post(reverse("console:client-new"), TYPED | {"proof": cast_world.PASSWORD}).content.decode()
    assert cast_world.PASSWORD not in page
    assert "Go back in your browser" in page


@pytest.mark.postgresql
def test_what_another_session_holds_is_not_waited_for_for_ever(people: cast_world.Cast) -> None:
    """On SQLite tests/cli/test_disk_and_lock.py. Every thread that waits is one fewer for everybody else."""
    browser, address = open_as(people.ada), f"{server_address()}/{connection.settings_dict['NAME']}"
    connection.close()
    try:
        with override_settings(DATABASE_TIMEOUT=1), psycopg.connect(address) as other:
            other.execute("LOCK TABLE records_client IN ACCESS EXCLUSIVE MODE")
            answer = browser.post(reverse("console:client-new"), TYPED)
            other.rollback()
        page = answer.content.decode()
        assert (answer.status_code, "kept the database locked" in page) == (503, True)
        assert fields_of(page)["first_name"] == "Typed “with care”"
        assert browser.post(reverse("console:client-new"), TYPED).status_code == 302
    finally:
        connection.close()
