"""Daily rates and fixed amounts of the programme: data with the day from which each holds, and where it was published.

A rate goes on until a later one of the same key is here; whoever uses one says from when it is. No rate is guessed.
`RATES` come with Carefund. An administrator adds later ones, or corrects one, without a new version.
Source: rules SAH-02 to SAH-04 and SAH-16.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

PARTICIPANT_SHARE = Decimal("0.9")  # of a level; the other tenth is pooled for care management
INTERIM_SHARE = Decimal("0.6")
SHARE_OF_LEVEL = Decimal("0.115")  # the veterans' and the dementia supplement, of the participant's part
_CENT = Decimal("0.01")
_PROGRAM_START_DATE = date(2025, 11, 1)
_LEVEL_CODE = "ON_RATE_"
_CODE = re.compile(r"[A-Z0-9_]{1,40}")
_LARGEST, _YEARS_AHEAD = Decimal(100_000), 2


class RateKind(StrEnum):
    """What a rate pays for, which decides the budgets it stands in and the share of it that a person gets."""

    LEVEL = "level"
    SUPPLEMENT = "supplement"
    PATHWAY = "pathway"
    TIER = "tier"


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars a day, of a tier dollars in all, from a day on. `key`: the level, or the funder's code where known."""

    key: str
    name: str
    kind: RateKind
    amount: Decimal
    from_date: date
    published: str
    entered_by: str = ""

    @property
    def share(self) -> Decimal:
        """The part of it that goes to the person's own budget."""
        return PARTICIPANT_SHARE if self.kind is RateKind.LEVEL else Decimal(1)


class WantedRate(NamedTuple):
    """A rate as somebody enters it: `code` is the level, or the funder's code."""

    code: str
    name: str
    kind: str
    amount: Decimal
    from_date: date
    published: str

    def as_rate(self, entered_by: str) -> Rate:
        """Return it as it is used. Call only without problems."""
        kind = RateKind(self.kind)
        return Rate(key_of(self.code), self.name, kind, self.amount, self.from_date, self.published, entered_by)


class DaysAtRate(NamedTuple):
    """A rate and on how many days it holds."""

    rate: Rate
    days: int


_LEVELS = "https://www.health.gov.au/our-work/support-at-home/funding-for-support-at-home/funding-classifications-for-support-at-home"
_ACT_RULES = "https://www.legislation.gov.au/F2025L01173"
_SUPPLEMENTS = "https://www.servicesaustralia.gov.au/supplements-and-subsidies-for-support-home"
_TIERS = "https://www.health.gov.au/our-work/support-at-home/assistive-technology-and-home-modifications-at-hm-scheme"


def _rates(kind: RateKind, published: str, amounts: Iterable[tuple[str, str, str]]) -> Sequence[Rate]:
    return [Rate(key, name, kind, Decimal(amount), _PROGRAM_START_DATE, published) for key, name, amount in amounts]


RATES: tuple[Rate, ...] = (
    *_rates(
        RateKind.LEVEL,
        _LEVELS,
        [
            (str(level), f"Level {level}", daily)
            for level, daily in enumerate(
                ("29.40", "43.93", "60.18", "81.36", "108.76", "131.82", "159.31", "213.99"), start=1
            )
        ],
    ),
    *_rates(
        RateKind.LEVEL,
        _ACT_RULES,
        [
            (f"HCP{level}", f"Transitioned Home Care Package level {level}", daily)
            for level, daily in enumerate(("30.10", "52.93", "115.22", "174.68"), start=1)
        ],
    ),
    *_rates(
        RateKind.SUPPLEMENT,
        _SUPPLEMENTS,
        [
            ("OXY_NORM", "Oxygen supplement", "14.66"),
            ("ENT_NBO", "Enteral feeding supplement, bolus", "23.25"),
            ("ENT_NNBO", "Enteral feeding supplement, non-bolus", "26.11"),
        ],
    ),
    *_rates(
        RateKind.PATHWAY,
        _ACT_RULES,
        [("RC", "Restorative Care Pathway", "53.67"), ("EL", "End-of-Life Pathway", "298.04")],
    ),
    *_rates(
        RateKind.TIER,
        _TIERS,
        [("LOW", "Low tier", "500.00"), ("MEDIUM", "Medium tier", "2000.00"), ("HIGH", "High tier", "15000.00")],
    ),
)


def to_cents(amount: Decimal) -> Decimal:
    """An amount in dollars and cents, half a cent upwards."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def key_of(code: str) -> str:
    """The key of the rate that a funder's item code stands for."""
    return code.strip().upper().removeprefix(_LEVEL_CODE)


def merge(published: Iterable[Rate], entered: Iterable[Rate]) -> list[Rate]:
    """Return the rates that hold: what was entered takes the place of what was published from the same day."""
    held = {(rate.key, rate.from_date): rate for rate in (*published, *entered)}
    return list(held.values())


def find_problems(wanted: WantedRate, entered: Iterable[Rate], today: date) -> dict[str, str]:
    """Return what is wrong with a rate that somebody enters, by field; `entered` are the others that were entered."""
    key, problems = key_of(wanted.code), {}
    if not _CODE.fullmatch(key):
        problems["code"] = "Use a level, such as 5 or HCP2, or Services Australia’s code: letters, digits and _."
    if wanted.kind not in {kind.value for kind in RateKind}:
        problems["kind"] = "Choose a kind."
    others = {rate.kind.value for rate in (*RATES, *entered) if rate.key == key}
    if "kind" not in problems and others and wanted.kind not in others:
        problems["kind"] = f"{key} is known as: {', '.join(sorted(others))}."
    if not (wanted.amount.is_finite() and _CENT <= wanted.amount <= _LARGEST):
        problems["amount"] = "Enter an amount from $0.01 to $100,000."
    elif wanted.amount != wanted.amount.quantize(_CENT):
        problems["amount"] = "Use at most two decimals."
    last = today.replace(year=today.year + _YEARS_AHEAD, day=min(today.day, 28))
    if not _PROGRAM_START_DATE <= wanted.from_date <= last:
        problems["from_date"] = "Enter a day from 1 November 2025, at most two years ahead."
    elif any((rate.key, rate.from_date) == (key, wanted.from_date) for rate in entered):
        problems["from_date"] = "A rate from this day has been entered. Edit that one."
    for field, text in (("name", wanted.name), ("published", wanted.published)):
        if not text.strip():
            problems[field] = "Say what the rate pays for." if field == "name" else "Say where it was published."
    return problems


def list_keys(rates: Iterable[Rate], *kinds: RateKind) -> list[str]:
    """The keys of rates of these kinds, each once."""
    return list(dict.fromkeys(rate.key for rate in rates if rate.kind in kinds))


def spread(rates: Iterable[Rate], key: str, first: date, last: date) -> list[DaysAtRate]:
    """The rates of a key over these days, with the days of each. Nothing where the rate of any day is not known."""
    dated = sorted((rate for rate in rates if rate.key == key), key=lambda rate: rate.from_date)
    if not dated or first > last or first < dated[0].from_date:
        return []
    found = []
    for rate, following in zip(dated, [*dated[1:], None], strict=True):
        start = max(first, rate.from_date)
        end = min(last, following.from_date - timedelta(days=1)) if following else last
        if start <= end:
            found.append(DaysAtRate(rate, (end - start).days + 1))
    return found


def multiply(spans: Iterable[DaysAtRate], share: Decimal = Decimal(1)) -> Decimal:
    """What days at rates come to for a person's own budget, before rounding: rounding comes after multiplying."""
    return sum((span.rate.amount * span.rate.share * share * span.days for span in spans), Decimal(0))
