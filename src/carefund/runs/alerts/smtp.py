"""Hand one message to the mail server of the settings. What goes wrong becomes a sentence, without the address. No
database.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.utils import formatdate

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

_CHECK = "Check the CAREFUND_SMTP settings"


class MailProblem(Exception):
    """Why a message was not accepted. `is_passing`: the server cannot be reached just now, so that others would fail
    too. `is_uncertain`: the message was on its way when the connection ended, so nobody knows."""

    def __init__(
        self, code: str, message: str, advice: str, *, is_passing: bool = False, is_uncertain: bool = False
    ) -> None:
        self.code, self.message, self.advice = code, message, advice
        self.is_passing, self.is_uncertain = is_passing, is_uncertain
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent."""

    address: str
    subject: str
    body: str
    message_id: str


def find_mail_obstacle() -> str:
    """Return why no mail can be sent, and what to set; "" where it can."""
    return "" if settings.EMAIL_HOST else "No mail server is set. Set CAREFUND_SMTP_HOST and restart Carefund."


def send(letter: Letter) -> None:
    """Return once the server has accepted a message. Raise MailProblem."""
    if obstacle := find_mail_obstacle():
        raise MailProblem("mail-not-configured", obstacle, "See Settings in the documentation.")
    connection = EmailBackend()
    try:
        _connect(connection)
        _hand_over(connection, letter)
    finally:
        connection.fail_silently = True
        connection.close()


def _connect(connection: EmailBackend) -> None:
    """Open a connection, encrypted and signed in as the settings say. Nothing was sent if this fails."""
    try:
        connection.open()
    except smtplib.SMTPAuthenticationError:
        raise MailProblem(
            "mail-sign-in", "The mail server did not accept the username or password.", f"{_CHECK}."
        ) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLError):
        advice = f"{_CHECK}: host, port and CAREFUND_SMTP_SECURITY must fit together, and the certificate the host."
        raise MailProblem(
            "mail-not-encrypted", "No secure connection to the mail server could be made.", advice
        ) from None
    except (OSError, smtplib.SMTPException):
        advice = f"{_CHECK} if this lasts. Carefund tries again."
        raise MailProblem("mail-unreachable", "The mail server did not answer.", advice, is_passing=True) from None


def _hand_over(connection: EmailBackend, letter: Letter) -> None:
    message = EmailMessage(
        letter.subject,
        letter.body,
        settings.DEFAULT_FROM_EMAIL,
        [letter.address],
        headers={
            "Message-ID": letter.message_id,
            "Date": formatdate(localtime=False),
            "Auto-Submitted": "auto-generated",
        },
        connection=connection,
    )
    try:
        message.send()
    except (smtplib.SMTPServerDisconnected, TimeoutError):
        advice = "Carefund sends the same message again, with the same Message-ID."
        raise MailProblem(
            "mail-uncertain", "The mail server did not confirm the message.", advice, is_passing=True, is_uncertain=True
        ) from None
    except smtplib.SMTPSenderRefused:
        raise MailProblem(
            "mail-sender-refused", "The mail server refused the sender.", f"{_CHECK}: CAREFUND_MAIL_FROM."
        ) from None
    except (smtplib.SMTPException, ValueError):
        advice = "Check the address under Users and roles. It is tried again at the next time for alerts."
        raise MailProblem("mail-refused", "The mail server refused the message.", advice) from None
    except OSError:
        advice = "Carefund sends the same message again, with the same Message-ID."
        raise MailProblem(
            "mail-uncertain", "The connection to the mail server ended.", advice, is_passing=True, is_uncertain=True
        ) from None
