"""A trial of the interfaces: each reading operation asked once about one person, and a report that holds no value.

Nothing of it becomes a record. Source: rules SA-01, SYNC-07 and SAH-05.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import product
from types import MappingProxyType
from typing import Any, NamedTuple

from carefund.domain.care_recipient.budgets import ZERO, Effects, adds_up
from carefund.funders.answers import TrialAnswer
from carefund.funders.dialect import bind, find_ancestor
from carefund.funders.errors.answers import BadAnswer
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.root import FunderError
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.contracts import PAYLOADS
from carefund.funders.interfaces.file_lines import UNKNOWN, Line
from carefund.funders.interfaces.member_matching import list_own_members
from carefund.funders.interfaces.observed_members import walk
from carefund.funders.normalising import shape_of
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.services_australia.expected_answers import OPERATIONS
from carefund.funders.services_australia.operations import BUDGETS_BY_CARE_RECIPIENT
from carefund.funders.services_australia.payloads import Budget, BudgetDetails
from carefund.funders.services_australia.trial import (
    BUDGET_ID,
    PROVIDER_ID,
    QUESTIONS,
    ask_each,
    list_wanted_ids,
)
from carefund.records.trials import KeptAnswer
from carefund.sync.refusal_words import describe_refusal

_DEDUCTIONS = Effects._fields
NO_FIGURES: Mapping[str, int] = MappingProxyType({"budgets": 0, "other_signs": 0, "wrong": 0})
OnCall = Callable[[int, int], Awaitable[None]]


@dataclass
class Trial:
    """What came of a trial: the answers as received, for the archive, and the report as JSON."""

    answers: list[KeptAnswer] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


class TriedCall(NamedTuple):
    """One call: its line of the report, in our words, and the refusal to which the funder's are added at the end, when
    it is known what people are called."""

    line: dict[str, Any]
    problem: FunderError | None = None

    def report(self, names: Collection[str]) -> dict[str, Any]:
        """The line with the funder's words, without a value in them."""
        said = describe_refusal(self.problem, names) if self.problem else ""
        return {**self.line, "problem": f"{self.line['problem']} The funder said: {said}"} if said else self.line


async def try_interfaces(
    source: ServicesAustralia,
    care_recipient_id: str,
    service_provider_id: str,
    today: date,
    on_call: OnCall,
    names: Collection[str] = (),
) -> Trial:
    """Ask, examine and report; `names`: what we call the person. Raises FunderError when this installation is not let
    in or the funder is down."""
    configuration = source.configuration
    examination = Examination(configuration.interfaces.dialect, configuration.spellings, names=set(names))
    trial = Trial()
    ids = {PROVIDER_ID: service_provider_id} if service_provider_id else {}
    calls: list[TriedCall] = []
    async for answer in ask_each(source, care_recipient_id, ids, today):
        if answer.body is not None:
            trial.answers.append(KeptAnswer(answer.operation, answer.body))
        call, document = examine(examination, answer)
        if document is not None:
            _learn_ids(examination, answer.operation, document, ids)
        calls.append(call)
        await on_call(len(calls), len(QUESTIONS))
    trial.report = write_report(examination, calls, _judge_figures(examination))
    return trial


def examine(examination: Examination, answer: TrialAnswer) -> tuple[TriedCall, Any]:
    """Examine one answer. Return what the report says of it, and the answer as plain JSON, None where there is none."""
    operation, problem, document = answer.operation, answer.problem, None
    rows_before = len(examination.rows.get(operation, ()))
    if answer.body is not None:
        try:
            document = examination.add(operation, answer.body)
        except FunderError as unreadable:
            problem = unreadable
    is_empty = isinstance(problem, NotFound) and examination.contract.operations[operation].is_list
    if is_empty:  # so is a list said to hold nothing
        problem = None
        examination.rows.setdefault(operation, [])
    if isinstance(problem, WrongAddress | BadAnswer):
        examination.lines.add(Line("paths", operation, UNKNOWN, 0.0, examination.contract.name))
    line = {
        "operation": operation,
        "milliseconds": max(1, round(answer.milliseconds)) if not answer.missing_id else None,
        "rows": len(examination.rows[operation]) - rows_before if operation in examination.rows else None,
        "problem": _describe(answer, problem) or examination.problems.get(operation, ""),
    }
    return TriedCall(line, problem), document


def _describe(answer: TrialAnswer, problem: FunderError | None) -> str:
    if answer.missing_id:
        return f"Not called: no earlier response has its {answer.missing_id}."
    return str(problem).removeprefix(f"{answer.operation.replace('_', ' ')}: ") if problem else ""


def _learn_ids(examination: Examination, operation: str, document: Any, ids: dict[str, str]) -> None:
    budgets = [budget for budget in examination.rows.get(operation, ()) if isinstance(budget, Budget)]
    if operation == BUDGETS_BY_CARE_RECIPIENT and budgets:  # one with draws shows most
        ids[BUDGET_ID] = max(budgets, key=lambda budget: abs(budget.used or ZERO)).budget_id
    answer = OPERATIONS[operation].answer
    assert answer is not None
    kind = bind(answer, examination.dialect)
    for id_name, member in list_wanted_ids(operation):
        shape = shape_of(kind, examination.spellings, examination.dialect)
        [known] = [known for known in shape.members if known.name == member]
        names = {known.wire_name, *known.other_names}
        names |= {line.theirs for line in examination.lines if line.ours == find_ancestor(kind, member)}
        found = (value for name, value in walk(document) if name in names and isinstance(value, str | int) and value)
        if value := next(found, None):
            ids.setdefault(id_name, str(value))


def write_report(
    examination: Examination, calls: Sequence[TriedCall], figures: Mapping[str, int] = NO_FIGURES
) -> dict[str, Any]:
    """The report as JSON: calls, and what was found in all answers together."""
    lines = sorted(examination.lines)
    return {
        "calls": [call.report(examination.names) for call in calls],
        "unknown_members": sorted(examination.unknown),
        "absent_members": examination.absent_members,
        "undecoded": [
            {"member": member, "kind": kind, "times": times}
            for (member, kind), times in sorted(examination.undecoded.items())
        ],
        "unknown_codes": [{"member": member, "code": code} for member, code in sorted(examination.codes)],
        "figures": dict(figures),
        "lines": [{"line": line.text, "sure": line.confidence, "key": line.key} for line in lines],
    }


def _judge_figures(examination: Examination) -> Mapping[str, int]:
    """How many budgets add up: as they come, with other signs, or not at all; and the signs that would make them.

    Where an amount has another name than is read, there is nothing to add up yet.
    """
    unread = {line.ours.partition(".")[2] for line in examination.lines if line.table == "members"}
    if unread & {"total", "available", *_DEDUCTIONS}:
        return NO_FIGURES
    budgets = [row for rows in examination.rows.values() for row in rows if isinstance(row, Budget)]
    checked = [budget for budget in budgets if budget.total is not None and budget.available is not None]
    other = wrong = 0
    for budget in checked:
        if adds_up(budget.total, budget.available, *_deductions(budget)):
            continue
        turned = _find_signs(budget)
        if turned is None:
            wrong += 1
            continue
        other += 1
        examination.lines.update(_turn(examination, f"Budget.{name}") for name in turned)
    for budget in budgets:
        if isinstance(budget, BudgetDetails) and budget.usage and budget.used:
            drawn = sum((use.amount or ZERO for use in budget.usage), ZERO)
            if drawn == -budget.used:
                member = "Budget.used" if budget.used > 0 else "BudgetUsage.amount"
                examination.lines.add(_turn(examination, member))
    return {"budgets": len(checked), "other_signs": other, "wrong": wrong}


def _turn(examination: Examination, member: str) -> Line:
    """The line that gives an amount the sign that it does not have now."""
    return Line("signs", member, "usual" if member in examination.dialect.turned else "opposite", 0.9)


def _deductions(budget: Budget) -> tuple[Decimal | None, ...]:
    return tuple(getattr(budget, name) for name in _DEDUCTIONS)


def _find_signs(budget: Budget) -> tuple[str, ...] | None:
    """The fewest amounts whose sign must be turned so that a budget adds up; None where nothing makes it."""
    assert budget.total is not None
    moving = [name for name in _DEDUCTIONS if getattr(budget, name)]
    for ways in sorted(product((1, -1), repeat=len(moving)), key=lambda ways: ways.count(-1)):
        effect = sum((way * getattr(budget, name) for way, name in zip(ways, moving, strict=True)), ZERO)
        if budget.total + effect == budget.available:
            return tuple(name for way, name in zip(ways, moving, strict=True) if way < 0)
    return None


def list_unread(report: Mapping[str, Any]) -> list[str]:
    """The operations whose answers were not read, and the types of which only members came that are not known."""
    absent, unknown = set(report["absent_members"]), {name.partition(".")[0] for name in report["unknown_members"]}
    calls = [call["operation"] for call in report["calls"] if call["problem"] and call["milliseconds"] is not None]
    kinds = [
        name
        for name, kind in PAYLOADS.items()
        if name in unknown and absent.issuperset(member.name for member in list_own_members(kind))
    ]
    return calls + kinds


def write_verdict(report: Mapping[str, Any]) -> str:
    """What is said where no line is proposed: that all is well only if everything was read."""
    if list_unread(report):
        return "Not everything was read, and no line can be proposed. Compare the findings with the descriptions."
    return "Nothing to change in the interfaces file."


def write_findings(report: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What a report says apart from calls and lines, in words: each heading that has something under it."""
    figures = report["figures"]
    found = [
        ("Not read", list_unread(report)),
        ("Members that Carefund does not know", report["unknown_members"]),
        ("Members that no response had", report["absent_members"]),
        (
            "Values that cannot be read",
            [f"{value['member']} ({value['kind']}; {value['times']:,} times)" for value in report["undecoded"]],
        ),
        (
            "Codes that Carefund does not know",
            [f"{code['member']}: {code['code']}" for code in report["unknown_codes"]],
        ),
        (
            "Figures",
            [
                f"{number:,} of {figures['budgets']:,} budgets {words}"
                for number, words in (
                    (figures["other_signs"], "add up only with other signs"),
                    (figures["wrong"], "do not add up under any signs"),
                )
                if number
            ],
        ),
    ]
    return [(title, texts) for title, texts in found if texts]


def write_line(line: Mapping[str, Any]) -> str:
    """A line to change, with how sure that is."""
    sure: float = line["sure"]
    doubt = f" ({sure:.0%} sure)" if 0 < sure < 1 else " (compare it with the description)" if not sure else ""
    return f"{line['line']}{doubt}"
