"""Who lives in the sandbox: the shape of a care recipient's facts, and how an ordinary one is made from a number.

A person is computed from (seed, number, anchor day) and never stored. Nothing derived lives here: budgets and money are
`money.py`, special cases are `scenarios.py`. Everybody here is fictitious.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.rates import PROGRAM_START_DATE, SERVICES, Service

FIRST_ID = 400_000_000
GRANT_BASE = 9_000_000_000
INVOICE_BASE = 1_000_000_000

PROVIDERS = (("4049000001", "19991"), ("4049000002", "19992"), ("4049000003", "19993"))
FOREIGN_PROVIDER = ("4049900001", "18001")

_FEMALE = [
    "Audrey",
    "Beryl",
    "Coral",
    "Dulcie",
    "Edna",
    "Flora",
    "Gwen",
    "Hazel",
    "Iris",
    "Joyce",
    "Lorna",
    "Mavis",
    "Nola",
    "Olive",
    "Pearl",
    "Una",
    "Vera",
    "Wilma",
]
_MALE = [
    "Alf",
    "Bruce",
    "Clem",
    "Desmond",
    "Ernie",
    "Frank",
    "Gordon",
    "Harold",
    "Ivan",
    "Jack",
    "Keith",
    "Les",
    "Merv",
    "Norm",
    "Percy",
    "Reg",
    "Stan",
    "Wally",
]
_LAST = [
    "Ashgrove",
    "Banksia",
    "Coolabah",
    "Dryandra",
    "Everlasting",
    "Fernhill",
    "Grevillea",
    "Hakea",
    "Ironbark",
    "Jarrah",
    "Karri",
    "Lillypilly",
    "Mallee",
    "Nardoo",
    "Orchard",
    "Paperbark",
    "Quandong",
    "Riverbend",
    "Saltbush",
    "Tuckeroo",
    "Umbrella",
    "Wandoo",
    "Yarrow",
    "Zamia",
]
_MIDDLE = ("", "", "Ann", "Lee", "May", "Ray", "Jay")


@dataclass(slots=True)
class Classification:
    """One classification in a person's history; `share` is 0.6 while it is interim."""

    type: str
    code: str
    level: str
    start_date: date
    end_date: date | None = None
    priority: str = "Medium"
    share: Decimal = Decimal(1)

    def covers(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.start_date <= day and (self.end_date is None or day <= self.end_date)


@dataclass(slots=True)
class Allocation:
    """A supplement or an approved service with its period; `code` keys the tables of `rates.py`."""

    code: str
    start_date: date
    end_date: date | None = None
    service: Service | None = None


@dataclass(slots=True)
class Contribution:
    """One row of percentages with its period."""

    independence: Decimal
    everyday: Decimal
    effective_from: date
    effective_to: date | None = None


@dataclass(slots=True)
class UsageLine:
    """One delivered and processed line. `amount` is negative; it shows from `visible_date` on."""

    type_code: str
    service_provider_id: str
    item_code: str
    description: str
    invoice_id: str
    item_id: str
    amount: Decimal
    delivery_date: date
    visible_date: date
    # Quantity in quarters of a unit, because hours go in steps of 0.25.
    quarter_units: int = 4
    updated_at: str = ""

    @property
    def quantity(self) -> Decimal:
        """Units delivered."""
        return Decimal(self.quarter_units) / 4


@dataclass(slots=True)
class Grant:
    """A budget that is not quarterly: AT, HM, restorative care or end of life."""

    type_code: str
    budget_id: str
    total: Decimal
    start_date: date
    end_date: date | None
    entitlement_code: str
    entitlement_text: str
    created_date: date
    usage_here: bool = True


@dataclass(slots=True)
class Reissue:
    """A budget that came out again under a new id; the old one lingers with nothing in it, or vanishes."""

    budget_id: str
    new_budget_id: str
    keep_old: bool
    at_date: date


@dataclass(slots=True)
class Person:
    """Everything that is true of one care recipient before any money is derived from it."""

    number: int
    care_recipient_id: str
    first_name: str
    middle_name: str
    last_name: str
    gender: str
    birth_date: date
    my_aged_care_id: str
    service_provider_id: str
    service_naps_id: str
    entry_date: date
    scenario: str = "ordinary"
    seed: str = ""
    known: bool = True
    consent: bool = True
    planned_level: str = "4"
    spend_share: float = 0.72
    lines_per_quarter: int = 17
    foreign_until: date | None = None
    rollover_lag_days: int = 60
    next_quarter_days: int = 0
    invoice_ids: str = "kept"
    sparse: bool = False
    extra_members: bool = False
    unknown_codes: bool = False
    same_line_twice: bool = False
    recipient_in_entitlements: bool = False
    classifications: list[Classification] = field(default_factory=list)
    approved_services: list[Allocation] = field(default_factory=list)
    supplements: list[Allocation] = field(default_factory=list)
    contributions: list[Contribution] | None = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    usage: list[UsageLine] = field(default_factory=list)
    rolled_dates: dict[str, date] = field(default_factory=dict)
    reissues: list[Reissue] = field(default_factory=list)
    dropped: dict[str, set[str]] = field(default_factory=dict)
    changed_at: str = ""


def care_recipient_id_of(number: int) -> str:
    """The nine digits of person `number` (1, 2, 3 …)."""
    return str(FIRST_ID + number)


def grant_id(number: int, index: int) -> str:
    """The id of a person's non-quarterly budget; a hundred are set aside for each person."""
    return str(GRANT_BASE + number * 100 + index)


def next_grant_id(person: Person) -> str:
    """The first grant id that this person has not used yet, counting those of re-issued budgets."""
    return grant_id(person.number, len(person.grants) + len(person.reissues))


def ongoing(level: str, start: date, end: date | None = None, share: Decimal = Decimal(1)) -> Classification:
    """An ongoing classification, transitioned Home Care Package levels included."""
    return Classification("Home support ongoing", "ON", level, start, end, share=share)


def ordinary_person(seed: str, number: int, anchor: date) -> tuple[Person, Random]:
    """An ordinary care recipient, and the random stream to go on with.

    `anchor` is the first day of the quarter in which the world began.
    """
    rng = Random(f"{seed}:{number}")
    female = rng.random() < 0.6
    provider, naps = PROVIDERS[number % len(PROVIDERS)]
    entry = max(PROGRAM_START_DATE, anchor - timedelta(days=rng.randrange(190, 420)))
    level = str(rng.randrange(1, 9))
    person = Person(
        number=number,
        care_recipient_id=care_recipient_id_of(number),
        first_name=rng.choice(_FEMALE if female else _MALE),
        middle_name=rng.choice(_MIDDLE),
        last_name=rng.choice(_LAST),
        gender="F" if female else "M",
        birth_date=date(1928, 1, 1) + timedelta(days=rng.randrange(0, 9000)),
        my_aged_care_id=f"AC{50_000_000 + number:08d}",
        service_provider_id=provider,
        service_naps_id=naps,
        entry_date=entry,
        seed=seed,
        planned_level=level,
        spend_share=rng.uniform(0.5, 0.85),
        rollover_lag_days=rng.choice((25, 40, 60, 60, 60)),
    )
    person.classifications = [ongoing(level, entry)]
    if number % 3 == 0 and int(level) > 1:
        change = entry + timedelta(days=rng.randrange(60, 150))
        person.classifications = [
            ongoing(str(int(level) - 1), entry, change - timedelta(days=1)),
            ongoing(level, change),
        ]
    chosen = sorted(rng.sample(range(len(SERVICES)), 11))
    person.approved_services = [Allocation(SERVICES[i].service_id, entry, None, SERVICES[i]) for i in chosen]
    if rng.random() < 0.4:
        person.supplements = [Allocation(rng.choice(("OXY_NORM", "ENT_NNBO", "ENT_NBO")), entry)]
    person.contributions = _contributions(rng, entry, anchor)
    return person, rng


def _contributions(rng: Random, entry: date, anchor: date) -> list[Contribution]:
    independence, everyday = rng.choice((("5.00", "17.50"), ("5.00", "17.50"), ("27.35", "48.75"), ("50.00", "80.00")))
    first_end = max(entry, anchor - timedelta(days=60))
    return [
        Contribution(Decimal("5.00"), Decimal("17.50"), entry, first_end),
        Contribution(Decimal(independence), Decimal(everyday), first_end + timedelta(days=1)),
    ]
