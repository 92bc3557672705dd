"""Whoever calls: an account of each role with a token, and clients of two branches."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from carefund.access.roles import Role, give_role
from carefund.access.tokens import TokenScope, create_token

BRANCH, OTHER_BRANCH = "4049000002", "4049000003"
Call = Callable[..., Any]


@pytest.fixture
def call(db: None) -> Callable[..., Call]:
    """Give what calls the API in a role, with scopes and branches: `call(role)("get", "/runs")`."""

    def begin(
        role: Role = Role.FINANCE,
        *,
        scopes: tuple[str, ...] = tuple(TokenScope),
        branches: tuple[str, ...] = (),
        account_branches: tuple[str, ...] = (BRANCH,),
        name: str = "",
    ) -> Call:
        user, is_new = User.objects.get_or_create(username=name or role.name.lower())
        if is_new:
            give_role(user, role, account_branches)
        _, text = create_token(user, "Rostering", scopes=scopes, service_provider_ids=branches)

        def ask(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
            sent = {"Authorization": f"Bearer {text}"} | (headers or {})
            with_body = {} if body is None else {"data": body, "content_type": "application/json"}
            return getattr(Browser(), method)(f"/api/v1{path}", **with_body, headers=sent)

        return ask

    return begin
