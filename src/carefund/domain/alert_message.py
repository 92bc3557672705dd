"""What an email with alerts says: kinds and numbers with links, no name and no ID, amounts only where wanted. Pure."""

from collections.abc import Sequence

from carefund.domain.alerts import AlertSum
from carefund.domain.wording import many, write_day, write_money


def write_subject(number: int) -> str:
    """The subject line."""
    return f"Carefund: {many(number, 'new alert')}"


def write_body(sums: Sequence[AlertSum], told_before: int, address: str, *, has_amounts: bool) -> str:
    """The text of a message; `address` is that of the list of alerts."""
    lines = [f"Carefund has {many(sum(of_kind.number for of_kind in sums), 'new alert')} for you.", ""]
    for of_kind in sums:
        words = [f"{of_kind.kind.label}: {of_kind.number:,}"]
        if of_kind.first_date is not None:
            words.append(f"first date {write_day(of_kind.first_date)}")
        if has_amounts and of_kind.amount is not None:
            words.append(write_money(of_kind.amount))
        lines += [", ".join(words), f"{address}?kind={of_kind.kind.value}", ""]
    if told_before:
        verb = "is" if told_before == 1 else "are"
        lines += [f"{many(told_before, 'alert')} from earlier messages {verb} still open.", ""]
    lines += [
        f"All alerts: {address}",
        "",
        "To change how often you get this message, go to Your account in Carefund.",
        "",
    ]
    return "\n".join(lines)
