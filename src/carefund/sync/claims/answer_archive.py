"""The funder's answers about claims as evidence: each goes into the archive as it came, before it is understood."""

from carefund.funders.services_australia.claiming import Claiming, ClaimingAnswer
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records.claims.archive import record_claim_answer
from carefund.sync.claims.uploading import Database


def with_evidence(
    source: ServicesAustralia, database: Database, *, batch_pk: int | None = None, claim_pk: int | None = None
) -> Claiming:
    """A funder's claiming calls, every answer of which is kept with a batch or a claim."""

    async def keep(answer: ClaimingAnswer) -> None:
        await database.do(record_claim_answer, **answer._asdict(), batch_pk=batch_pk, claim_pk=claim_pk)

    return Claiming.over(source, keep)
