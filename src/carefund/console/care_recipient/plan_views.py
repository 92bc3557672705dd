"""A plan as pages show it: its dates and the client's level in words, and how the dates came about."""

from collections.abc import Iterator
from dataclasses import dataclass

from carefund.console.templatetags.formatting import level
from carefund.domain.wording import write_day
from carefund.records.care_recipient.funding import Funding
from carefund.sync.change_log.record_names import name_level


@dataclass(frozen=True, slots=True)
class PlanDates:
    """A plan's dates in words: each alone, and both together."""

    start: str
    end: str
    span: str


def write_plan_dates(funding: Funding) -> PlanDates | None:
    """The dates of the latest plan in words; None without a plan."""
    plan = funding.plan
    if plan is None:
        return None
    if not funding.has_plan_dates:
        return PlanDates("Not known yet", "Not known yet", "Not known yet")
    start = write_day(plan.start_date) if plan.start_date else "Not known"
    begins = start if plan.start_date else "Start not known"
    if plan.end_date is None:
        return PlanDates(start, "No end date", f"{begins} onwards")
    return PlanDates(start, write_day(plan.end_date), f"{begins} to {write_day(plan.end_date)}")


def write_level(funding: Funding) -> str:
    """The levels in force, or when the last one ended."""
    if funding.level_ended_date:
        return f"Ended {write_day(funding.level_ended_date)}"
    return level(funding.current_classifications) or "Not known"


def explain_plan_dates(funding: Funding) -> str:
    """Why the plan has the dates that it has, in sentences."""
    sentences = list(_explain_by_classifications(funding))
    if not sentences and funding.has_plan_dates:
        sentences = ["Services Australia lists no classifications now, so these are the last known dates."]
    elif not sentences:
        sentences = [
            "Services Australia has not sent any classifications. The first one that it sends sets the plan's dates."
        ]
    if funding.earlier_plans:
        sentences.append("Records that ended before this plan started belong to an earlier plan.")
    return " ".join(sentences)


def _explain_by_classifications(funding: Funding) -> Iterator[str]:
    """The plan's own classifications set its dates. Source: rule SYNC-05."""
    listed = funding.plan_classifications
    if not listed:
        return
    starts = [(classification.start_date, classification) for classification in listed if classification.start_date]
    ends = [(classification.end_date, classification) for classification in listed if classification.end_date]
    open_ended = [classification for classification in listed if classification.end_date is None]
    if starts:
        start_date, earliest = min(starts, key=lambda pair: pair[0])
        which = "its" if funding.earlier_plans else "the"
        held = f"{name_level(earliest)} from {write_day(start_date)}"
        yield f"The plan starts with {which} earliest classification: {held}."
    else:
        yield "No classification has a start date."
    if open_ended:
        yield f"It has no end date because {name_level(open_ended[0])} has none."
    else:
        end_date, latest = max(ends, key=lambda pair: pair[0])
        yield f"It ends when the last classification ends: {name_level(latest)}, on {write_day(end_date)}."
    yield "Every sync recalculates both dates."
