"""Batches, claims and their lines as data, for `--json`."""

from typing import Any

from carefund.records.claims.claimed_lines import LineRow
from carefund.records.claims.queries import find_batch_total, list_claims_of
from carefund.records.models import Claim, ClaimBatch
from carefund.runs.models import RunItem
from carefund.sync.claims.preparing import BatchPreview


def describe_batch(batch: ClaimBatch) -> dict[str, Any]:
    """Return a batch as data."""
    return {
        "batch": batch.pk,
        "service_provider_id": batch.service_provider_id,
        "funding_source": batch.funding_source,
        "from_date": batch.from_date,
        "to_date": batch.to_date,
        "state": batch.state,
        "total": find_batch_total(batch),
        "claim_ids": [claim.claim_id for claim in list_claims_of(batch)],
        "problem_code": batch.problem_code,
        "problem": batch.problem,
        "advice": batch.advice,
    }


def describe_claim(claim: Claim) -> dict[str, Any]:
    """Return a claim as data."""
    names = (
        "claim_id", "service_provider_id", "status", "reported_status", "payment_date", "claim_total", "total_paid",
        "compensation_reduction", "care_recipient_individual_contribution", "heldover_previous_period",
        "outstanding_heldover", "discrepancies", "invoice_ids",
    )  # fmt: skip
    return {name: getattr(claim, name) for name in names} | {"batch": claim.batch_id}


def describe_check(item: RunItem) -> dict[str, Any]:
    """Return what came of a check, as data."""
    problem, advice = (item.message, item.advice) if item.outcome == RunItem.Outcome.FAILED else ("", "")
    return {"run": (item.result or {}).get("run"), "problem": problem, "advice": advice}


def describe_line(row: LineRow) -> dict[str, Any]:
    """Return a claimed line as data."""
    return {
        "external_reference_id": row.request.line_item.external_reference_id,
        "state": row.state.value,
        "match": [kind.value for kind in row.kinds],
        "claimed": row.truth.claimed,
        "paid": row.request.paid_amount,
        "individual_contribution_amount": row.request.individual_contribution_amount,
        "expected_contribution": row.expected_contribution,
        "payment_determination": row.request.payment_determination,
        "drawn": row.truth.drawn,
        "difference": row.truth.difference,
        "budgets": [{"budget_id": draw.budget_id, "amount": draw.amount} for draw in row.truth.draws],
    }


def describe_preview(preview: BatchPreview, batch: ClaimBatch | None) -> dict[str, Any]:
    """Return the choice of lines for a batch as data, with what stands against each."""
    return {
        "batch": batch.pk if batch else None,
        "claim_date": preview.claim_date,
        "total": preview.total,
        "refused_total": preview.refused_total,
        "lines": [
            {
                "external_reference_id": line.external_reference_id,
                "amount": line.line.amount,
                "refused": line.is_refused,
                "problems": [problem._asdict() for problem in line.problems],
            }
            for line in preview.lines
        ],
    }
