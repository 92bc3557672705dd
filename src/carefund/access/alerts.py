"""Which alerts somebody may see, and what they are told by email. What the alerts are is in domain/alerts.py."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from carefund.access.accounts import list_active_accounts
from carefund.access.alert_mail import AlertMail, AlertMailChoice, ToldAlert
from carefund.access.gate import Visitor, list_clients_for, reads_every_branch
from carefund.access.roles import may_claim, may_read, may_run_in_bulk, rights_of
from carefund.domain.alerts import AlertKind
from carefund.records.models import Alert

Frequency = AlertMailChoice.Frequency
_OF_CLAIMS = (AlertKind.WINDOW.value, AlertKind.REFUSED.value)


def list_alerts_for(user: Visitor) -> QuerySet[Alert]:
    """The alerts that somebody may see, ended ones too: about clients whom they may read, about their branches; of
    claims and devices for those who claim or look after runs."""
    if not isinstance(user, User):
        return Alert.objects.all()
    if not may_read(user):
        return Alert.objects.none()
    everywhere = reads_every_branch(user)
    of_branch = Q(client__isnull=True)
    if not everywhere:
        of_branch &= Q(service_provider_id__in=(rights_of(user).service_provider_ids or frozenset()) - {""})
    seen = Q(client__isnull=False) if everywhere else Q(client__in=list_clients_for(user))
    seen |= of_branch & Q(kind=AlertKind.STALE.value)
    if may_claim(user):
        seen |= of_branch & Q(kind__in=_OF_CLAIMS)
    if may_run_in_bulk(user):
        seen |= Q(kind=AlertKind.KEY.value)
    return Alert.objects.filter(seen)


def find_mail_choice(user: User) -> AlertMailChoice:
    """How often somebody is sent alerts; off if they never chose."""
    return AlertMailChoice.objects.filter(user=user).first() or AlertMailChoice(user=user)


def store_mail_choice(user: User, address: str, frequency: str, has_amounts: bool, today: date) -> None:
    """Keep an account's address and how often it is sent alerts: from the next day or week on."""
    user.email = address
    user.save(update_fields=["email"])
    values = {"frequency": frequency, "has_amounts": has_amounts, "told_on": today}
    AlertMailChoice.objects.update_or_create(user=user, defaults=values)


def list_accounts_due(today: date) -> list[int]:
    """The accounts for which it is time: daily ones that were not looked after today, weekly ones not since Monday."""
    monday = today - timedelta(days=today.weekday())
    due = Q(frequency=Frequency.DAILY) & (Q(told_on__lt=today) | Q(told_on__isnull=True))
    due |= Q(frequency=Frequency.WEEKLY) & (Q(told_on__lt=monday) | Q(told_on__isnull=True))
    of_active = AlertMailChoice.objects.filter(due, user__in=list_active_accounts()).exclude(user__email="")
    return list(of_active.order_by("user").values_list("user", flat=True))


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """A message on its way: what it tells, and how many alerts stand that were told before."""

    mail: AlertMail
    address: str
    has_amounts: bool
    alerts: list[Alert]
    told_before: int


def prepare_mail(user_id: int, today: date, now: datetime, public_url: str) -> PreparedMail | None:
    """Note what an account is about to be told; None where there is nothing new, or nobody to tell. A message of which
    nobody knows whether it was sent is given again as it was."""
    user = list_active_accounts().filter(pk=user_id).first()
    choice = find_mail_choice(user) if user else None
    if user is None or choice is None or choice.frequency == Frequency.OFF or not user.email:
        return None
    seen = list_alerts_for(user)
    mail = AlertMail.objects.filter(user=user, sent_at__isnull=True).first()
    if mail is not None and not seen.filter(told__mail=mail).exists():  # of a branch that is another's by now
        forget_mail(mail)
        mail = None
    if mail is None:
        told = ToldAlert.objects.filter(user=user, alert=OuterRef("pk"))
        new = list(seen.filter(~Exists(told), ended_at__isnull=True).order_by("id"))
        if not new:
            AlertMailChoice.objects.filter(pk=choice.pk).update(told_on=today)
            return None
        mail = _make_mail(user, new, now, public_url)
    alerts = list(seen.filter(told__mail=mail).order_by("id"))
    before = seen.filter(told__user=user, ended_at__isnull=True).exclude(told__mail=mail).count()
    return PreparedMail(mail, user.email, choice.has_amounts, alerts, before)


def _make_mail(user: User, alerts: list[Alert], now: datetime, public_url: str) -> AlertMail:
    """The same alerts for the same account make the same message ID, also after a power cut."""
    content = ",".join([str(user.pk), *(str(alert.pk) for alert in alerts)])
    message_id = f"<alerts.{sha256(content.encode()).hexdigest()[:32]}@{urlsplit(public_url).hostname or 'carefund'}>"
    with transaction.atomic():
        mail = AlertMail.objects.create(user=user, message_id=message_id[:120], made_at=now)
        ToldAlert.objects.bulk_create(
            (ToldAlert(user=user, alert=alert, mail=mail) for alert in alerts), batch_size=1000
        )
    return mail


def note_mail_sent(mail: AlertMail, today: date, now: datetime) -> None:
    """The mail server has it."""
    AlertMail.objects.filter(pk=mail.pk).update(sent_at=now)
    AlertMailChoice.objects.filter(user=mail.user_id).update(told_on=today)


def forget_mail(mail: AlertMail) -> None:
    """The mail server certainly did not take it: what it tells is new again."""
    mail.delete()
