"""Tokens by API: which there are, and ending one. None is made here: a token that could make another would outlive
its own end."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Path, Query, Router, Schema, Status

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer
from carefund.access.tokens import ApiToken, find_token_by_number, list_tokens, name_token, revoke_token
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import ListPart, Number

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))


class TokenOut(Schema):
    """A token, without its text. `service_provider_ids` empty: all branches of its account."""

    token_id: int
    name: str
    account: str
    state: str
    scopes: list[str]
    service_provider_ids: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class TokensOut(Schema):
    """Tokens, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    tokens: list[TokenOut]
    next_start: int | None


@router.get("", auth=_MAY, response={200: TokensOut, **NOT_CHANGED, **refusals()}, operation_id="list_tokens")
def list_all(request: AuthenticatedRequest, wanted: Query[ListPart]) -> dict[str, Any]:
    """Every token, newest first, those that ended among them."""
    shown, following = wanted.cut(list_tokens())
    return {"tokens": [_describe(token) for token in shown], "next_start": following}


@router.post("/{token_id}/revoke", auth=_MAY, response={200: TokenOut, **refusals(404)}, operation_id="revoke_token")
def revoke(request: AuthenticatedRequest, token_id: Annotated[Number, Path()]) -> Status[dict[str, Any]]:
    """End a token at once, this one too."""
    token = find_token_by_number(token_id)
    with one_act():
        revoke_token(token)
        store_act(request.auth, "API token revoked", name_token(token))
    return Status(200, _describe(find_token_by_number(token_id)))


def _describe(token: ApiToken) -> dict[str, Any]:
    values = {name: getattr(token, name) for name in TokenOut.model_fields if hasattr(token, name)}
    return {**values, "token_id": token.pk, "account": token.user.get_username()}
