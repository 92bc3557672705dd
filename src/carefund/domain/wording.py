"""How amounts, shares and days are written for people, the same on a page, in a spreadsheet and on a terminal.

Money has its dollar sign, thousands separators, cents and a true minus sign; a date reads 3 May 2026.
"""

from datetime import date
from decimal import Decimal

MINUS = "−"


def write_money(amount: Decimal) -> str:
    """An amount as text: $1,234.50 or −$1,234.50."""
    text = f"${abs(amount):,.2f}"
    return f"{MINUS}{text}" if amount < 0 else text


def write_drawn(amount: Decimal) -> str:
    """What draws come to, in the funder's sign: "$96.00 drawn", or "$20.00 given back" where reversals are more."""
    return f"{write_money(abs(amount))} {'given back' if amount > 0 else 'drawn'}"


def write_percentage(percentage: Decimal) -> str:
    """A percentage without needless zeros: 12.5%."""
    text = f"{percentage:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def many(number: int, thing: str) -> str:
    """A number with its thing in the right form: 1 client, 1,204 clients."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def write_day(day: date) -> str:
    """A date as text: 3 May 2026."""
    return f"{day.day} {day:%B %Y}"
