"""A trial of the PACE interfaces: each operation asked once about one participant, and a report that holds no value.

Nothing of it becomes a record. Source: rules NDIS-01, NDIS-03 and NDIS-04.
"""

from carefund.funders.errors.people import IdentityNotMatched
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.file_lines import UNKNOWN, Line
from carefund.funders.ndia.client import Ndia
from carefund.funders.ndia.operations import BUDGET, BUDGET_ALIAS
from carefund.funders.ndia.partner import PartnerGateway
from carefund.funders.ndia.source import Identity
from carefund.funders.ndia.trial import ask_each
from carefund.records.trials import KeptAnswer
from carefund.sync.trials import OnCall, Trial, TriedCall, examine, write_report


def count_budget_questions(source: Ndia | PartnerGateway) -> int:
    """How many of the questions are about budgets, of which the NDIA answers so many in an hour."""
    return sum(operation in (BUDGET, BUDGET_ALIAS) for operation in source.contract.operations)


async def try_pace(source: Ndia | PartnerGateway, identity: Identity, on_call: OnCall) -> Trial:
    """Ask, examine and report. Raises FunderError when this installation is not let in or the funder is down."""
    examination = Examination(source.interfaces.dialect, {}, source.contract, names={identity.surname})
    trial, calls = Trial(), list[TriedCall]()
    async for answer in ask_each(source, identity):
        if answer.body is not None:
            trial.answers.append(KeptAnswer(answer.operation, answer.body))
        calls.append(examine(examination, answer)[0])
        await on_call(len(calls), len(source.contract.operations))
    if all(isinstance(call.problem, IdentityNotMatched) for call in calls):
        examination.lines.add(Line("dates", "sent", UNKNOWN, 0.0, source.contract.name))  # or somebody else is meant
    trial.report = write_report(examination, calls)
    return trial
