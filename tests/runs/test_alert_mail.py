"""Alerts by email, to a mail server that really listens: each alert once, nobody named, and what goes wrong said."""

import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from carefund.access.alert_mail import AlertMail, AlertMailChoice, ToldAlert
from carefund.access.alerts import (
    forget_mail,
    list_accounts_due,
    list_alerts_for,
    note_mail_sent,
    prepare_mail,
    store_mail_choice,
)
from carefund.access.roles import Role, give_role
from carefund.domain.alerts import DEFAULTS, AlertKind, FoundAlert
from carefund.records.alerts.finding import find_others
from carefund.records.alerts.store import store_found
from carefund.records.models import Alert, Client, ProdaDevice
from carefund.runs.alerts.mailing import request_mail
from carefund.runs.alerts.smtp import Letter, MailProblem, find_mail_obstacle, send
from carefund.runs.business_day import business_today
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NothingToDo, resume_run
from tests.console.world import BRANCH, OTHER_BRANCH

URL = "https://care.example"
LETTER = Letter("ben@care.example", "Carefund: 1 new alert", "Text.", "<alerts.1@care.example>")
Given = Callable[..., list[Alert]]


class Server:
    """A mail server: it keeps what it took, refuses recipients or messages with `refuses`, takes `seconds` to answer,
    or hangs up after it took a message."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.refuses = ""
        self.seconds, self.hangs_up = 0.0, False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refuses == "recipient":
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuses == "message":
            return "554 looks like spam"
        self.got.append(message_from_bytes(envelope.content))
        time.sleep(self.seconds)
        if self.hangs_up:
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    handler = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 2
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL, settings.PUBLIC_URL = "carefund@care.example", URL
    yield handler
    controller.stop()


@pytest.fixture
def ben(db: None) -> User:
    """A coordinator of one branch who is told daily."""
    user = User.objects.create_user("ben", email="")
    give_role(user, Role.COORDINATOR, (BRANCH,))
    choose(user, "daily")
    return user


def choose(user: User, frequency: str, *, has_amounts: bool = False, day: date | None = None) -> None:
    store_mail_choice(user, f"{user.username}@care.example", frequency, has_amounts, day or date(2026, 1, 1))


@pytest.fixture
def given(add_client: Any) -> Given:
    """Let these alerts stand, about a client of a branch or about a branch, and no others."""

    def give(*wanted: tuple[AlertKind, str]) -> list[Alert]:
        found = []
        for kind, branch in wanted:
            client, _ = Client.objects.get_or_create(
                care_recipient_id=f"4{branch[-8:]}", service_provider_id=branch, first_name="Wilma", last_name="Example"
            )
            of_branch = kind in (AlertKind.WINDOW, AlertKind.STALE, AlertKind.REFUSED)
            client_id = None if of_branch else client.pk
            key, day = f"{branch}-{kind}", date(2026, 12, 3)
            found.append(FoundAlert(kind, key, client_id, branch if of_branch else "", day, Decimal("123.45")))
        store_found(found, timezone.now())
        return list(Alert.objects.filter(ended_at__isnull=True))

    return give


def prepare(user: User) -> Any:
    return prepare_mail(user.pk, business_today(), timezone.now(), URL)


@pytest.mark.one_database
def test_a_message_arrives_with_its_headers(server: Server):
    send(LETTER)
    message = server.got[0]
    assert (message["Subject"], message["To"], message["From"]) == (
        "Carefund: 1 new alert", "ben@care.example", "carefund@care.example",
    )  # fmt: skip
    assert (message["Message-ID"], message["Auto-Submitted"]) == (LETTER.message_id, "auto-generated")
    assert message["Date"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("spoil", "code", "passing", "uncertain"),
    [
        ({"refuses": "recipient"}, "mail-refused", False, False),
        ({"refuses": "message"}, "mail-refused", False, False),
        ({"hangs_up": True}, "mail-uncertain", True, True),
        ({"seconds": 1.2}, "mail-uncertain", True, True),
    ],
)
def test_what_a_server_does_is_said_without_the_address(
    server: Server, settings: Settings, spoil: dict[str, Any], code: str, passing: bool, uncertain: bool
):
    settings.EMAIL_TIMEOUT = 1
    vars(server).update(spoil)
    with pytest.raises(MailProblem) as raised:
        send(LETTER)
    problem = raised.value
    assert (problem.code, problem.is_passing, problem.is_uncertain) == (code, passing, uncertain)
    assert "ben" not in f"{problem.message} {problem.advice} {problem!r}"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"EMAIL_HOST": ""}, "mail-not-configured"),
        ({"EMAIL_PORT": 1}, "mail-unreachable"),
        ({"EMAIL_HOST": "nobody.invalid"}, "mail-unreachable"),
        ({"EMAIL_USE_TLS": True}, "mail-not-encrypted"),
        ({"EMAIL_HOST_USER": "carefund", "EMAIL_HOST_PASSWORD": "secret"}, "mail-not-encrypted"),
    ],
)
def test_settings_that_do_not_fit_are_said(server: Server, settings: Settings, changes: dict[str, Any], code: str):
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(MailProblem) as raised:
        send(LETTER)
    assert (raised.value.code, raised.value.is_uncertain) == (code, False)
    assert "secret" not in str(raised.value.args)
    assert not server.got
    assert bool(find_mail_obstacle()) is ("EMAIL_HOST" in changes and not changes["EMAIL_HOST"])


@pytest.mark.one_database
def test_a_wrong_password_is_said(server: Server, settings: Settings):
    def refuse(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    picky = Controller(server, hostname="127.0.0.1", port=port, authenticator=refuse, auth_require_tls=False)
    picky.start()
    settings.EMAIL_PORT, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = port, "carefund", "wrong"
    try:
        with pytest.raises(MailProblem) as raised:
            send(LETTER)
        assert raised.value.code == "mail-sign-in"
    finally:
        picky.stop()
    assert issubclass(smtplib.SMTPAuthenticationError, smtplib.SMTPException)


def test_one_is_told_of_each_alert_once_and_again_when_it_begins_anew(ben: User, given: Given):
    given((AlertKind.RUNS_OUT, BRANCH))
    first = prepare(ben)
    assert [alert.kind for alert in first.alerts] == ["runs-out"]
    note_mail_sent(first.mail, business_today(), timezone.now())
    given((AlertKind.RUNS_OUT, BRANCH))
    assert prepare(ben) is None
    given((AlertKind.RUNS_OUT, BRANCH), (AlertKind.CONSENT, BRANCH))
    second = prepare(ben)
    assert ([alert.kind for alert in second.alerts], second.told_before) == (["consent-missing"], 1)
    note_mail_sent(second.mail, business_today(), timezone.now())
    given((AlertKind.CONSENT, BRANCH))
    given((AlertKind.RUNS_OUT, BRANCH), (AlertKind.CONSENT, BRANCH))
    assert [alert.kind for alert in prepare(ben).alerts] == ["runs-out"]
    assert ToldAlert.objects.count() == 3


def test_after_a_death_before_the_mark_the_same_message_goes_again(ben: User, given: Given):
    """kill -9 between the server's OK and our mark: same alerts, same ID, and what is new meanwhile waits."""
    given((AlertKind.RUNS_OUT, BRANCH))
    first = prepare(ben)
    given((AlertKind.RUNS_OUT, BRANCH), (AlertKind.CONSENT, BRANCH))
    again = prepare(ben)
    assert (again.mail.message_id, [alert.pk for alert in again.alerts]) == (
        first.mail.message_id, [alert.pk for alert in first.alerts],
    )  # fmt: skip
    note_mail_sent(again.mail, business_today(), timezone.now())
    assert [alert.kind for alert in prepare(ben).alerts] == ["consent-missing"]


def test_what_certainly_did_not_arrive_is_new_again_under_the_same_id(ben: User, given: Given):
    given((AlertKind.RUNS_OUT, BRANCH))
    first = prepare(ben)
    forget_mail(first.mail)
    assert not ToldAlert.objects.exists()
    again = prepare(ben)
    assert again.mail.message_id == first.mail.message_id
    given((AlertKind.CONSENT, BRANCH))
    forget_mail(again.mail)
    assert prepare(ben).mail.message_id != first.mail.message_id


def test_each_sees_alerts_of_their_branches_and_role(ben: User, given: Given):
    everybody = {Role.ADMINISTRATOR: "ada", Role.FINANCE: "fay", Role.COORDINATOR: "cy", Role.READ_ONLY: "rex"}
    users = {}
    for role, name in everybody.items():
        users[name] = User.objects.create_user(name)
        give_role(users[name], role, (OTHER_BRANCH,) if name == "cy" else (BRANCH,))
    given(
        (AlertKind.RUNS_OUT, BRANCH), (AlertKind.RUNS_OUT, OTHER_BRANCH), (AlertKind.STALE, BRANCH),
        (AlertKind.STALE, OTHER_BRANCH), (AlertKind.WINDOW, BRANCH), (AlertKind.REFUSED, BRANCH),
    )  # fmt: skip
    Alert.objects.create(kind="key-expires", key="device 1", begun_at=timezone.now())
    Alert.objects.create(kind="sync-stale", key="none", begun_at=timezone.now())
    stranger = User.objects.create_user("dee")
    seen = {name: sorted(list_alerts_for(user).values_list("kind", flat=True)) for name, user in users.items()}
    of_branch = ["runs-out", "sync-stale"]
    everything = sorted([*of_branch, *of_branch, "claim-refused", "key-expires", "sync-stale", "window-closes"])
    assert seen == {"ada": everything, "fay": everything, "cy": of_branch, "rex": of_branch}
    assert not list_alerts_for(stranger).exists()
    assert not list_alerts_for(ben).filter(service_provider_id=OTHER_BRANCH).exists()


def test_an_expiring_key_is_mailed_once_at_each_step(db: None):
    fay = User.objects.create_user("fay")
    give_role(fay, Role.FINANCE)
    choose(fay, "daily")
    expires_at = timezone.now() + timedelta(days=32)
    ProdaDevice.objects.create(device_name="A", device_expires_at=expires_at)
    rules, zone, mailed = DEFAULTS, timezone.get_default_timezone(), []
    for later in range(35):
        now = timezone.now() + timedelta(days=later)
        today = timezone.localdate(now)
        store_found(find_others(rules, today, now, 24, zone), now)
        prepared = prepare_mail(fay.pk, today, now, URL)
        if prepared:
            mailed.append((32 - later, [alert.kind for alert in prepared.alerts]))
            note_mail_sent(prepared.mail, today, now)
    assert mailed == [(ahead, ["key-expires"]) for ahead in (30, 14, 7, 1)]


def test_who_is_told_on_which_day(ben: User):
    monday = date(2026, 11, 23)
    fay = User.objects.create_user("fay")
    give_role(fay, Role.FINANCE)
    choose(fay, "weekly", day=monday - timedelta(days=3))
    choose(ben, "daily", day=monday - timedelta(days=3))
    assert list_accounts_due(monday - timedelta(days=1)) == [ben.pk]
    assert list_accounts_due(monday) == [ben.pk, fay.pk]
    assert list_accounts_due(monday + timedelta(days=2)) == [ben.pk, fay.pk], "a Monday that was missed is made up"
    AlertMailChoice.objects.update(told_on=monday)
    assert list_accounts_due(monday) == []
    assert list_accounts_due(monday + timedelta(days=1)) == [ben.pk]
    assert list_accounts_due(monday + timedelta(days=7)) == [ben.pk, fay.pk]
    User.objects.filter(pk=ben.pk).update(is_active=False)
    choose(fay, "off")
    assert list_accounts_due(monday + timedelta(days=8)) == []


@pytest.mark.parametrize("loss", ["address", "role", "choice", "account"])
def test_whoever_may_no_longer_be_told_is_not(ben: User, given: Given, loss: str):
    given((AlertKind.RUNS_OUT, BRANCH))
    if loss == "role":
        give_role(ben, None)
    elif loss == "choice":
        choose(ben, "off")
    else:
        User.objects.filter(pk=ben.pk).update(**({"email": ""} if loss == "address" else {"is_active": False}))
    assert prepare(ben) is None
    assert not AlertMail.objects.exists()


def test_nobody_is_asked_for_without_a_mail_server(ben: User, settings: Settings):
    settings.EMAIL_HOST = ""
    with pytest.raises(NothingToDo):
        request_mail(timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_down_is_tried_again_and_tells_once(
    server: Server, settings: Settings, ben: User, given: Given, carry_out: Callable[..., Run]
):
    choose(ben, "daily", has_amounts=True)
    given((AlertKind.RUNS_OUT, BRANCH), (AlertKind.LOSS, BRANCH), (AlertKind.LOSS, OTHER_BRANCH))
    listens, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    run = carry_out(request_mail(timezone.now()))
    assert (run.status, run.paused_reason) == (Run.Status.PAUSED, "The mail server did not answer.")
    assert run.resumes_at is not None
    with pytest.raises(NothingToDo):
        request_mail(timezone.now())
    settings.EMAIL_PORT = listens
    run = carry_out(resume_run(run))
    item = run.items.get()
    assert (run.status, item.outcome, item.message) == (Run.Status.FINISHED, RunItem.Outcome.CHANGED, "Alerts sent: 2.")
    with pytest.raises(NothingToDo):
        request_mail(timezone.now())
    carry_out(request_mail(timezone.now() + timedelta(days=1)))
    assert len(server.got) == 1, "nothing new, so no second message"
    text = server.got[0].get_payload()
    assert (server.got[0]["Subject"], server.got[0]["To"]) == ("Carefund: 2 new alerts", "ben@care.example")
    assert f"{URL}/alerts?kind=loss" in text
    assert "$123.45" in text
    assert not {"Wilma", "Example", f"4{BRANCH[-8:]}", BRANCH} & set(text.replace(",", " ").split())


@pytest.mark.django_db(transaction=True)
def test_a_refused_message_fails_with_advice_and_is_told_next_time(
    server: Server, ben: User, given: Given, carry_out: Callable[..., Run]
):
    given((AlertKind.RUNS_OUT, BRANCH))
    server.refuses = "recipient"
    run = carry_out(request_mail(timezone.now()))
    item = run.items.get()
    assert (item.outcome, item.error_code, item.failed_step) == (RunItem.Outcome.FAILED, "mail-refused", "email")
    assert "Users and roles" in item.advice
    server.refuses = ""
    carry_out(request_mail(timezone.now() + timedelta(days=1)))
    assert len(server.got) == 1


def test_whoever_may_see_nothing_of_a_message_any_more_is_not_sent_an_empty_one(ben: User, given: Given):
    """It was noted, nobody knows whether it was sent, and the branch is another's by now."""
    given((AlertKind.RUNS_OUT, BRANCH))
    assert prepare(ben).alerts
    give_role(ben, Role.COORDINATOR, (OTHER_BRANCH,))
    assert prepare(ben) is None
    given((AlertKind.RUNS_OUT, BRANCH), (AlertKind.CONSENT, OTHER_BRANCH))
    assert [alert.kind for alert in prepare(ben).alerts] == ["consent-missing"]
    give_role(ben, Role.COORDINATOR, (BRANCH, OTHER_BRANCH))
    told = prepare(ben)
    note_mail_sent(told.mail, business_today(), timezone.now())
    assert [alert.kind for alert in prepare(ben).alerts] == ["runs-out"]
