"""`carefund tokens`: ways in for machines, each in the name of an account."""

from datetime import timedelta
from typing import Annotated

import typer
from django.utils import timezone
from rich.table import Table

from carefund.access.accounts import find_account_to_sign_in
from carefund.access.audit_log import one_act, store_act
from carefund.access.tokens import TokenScope, create_token, find_token_by_number, list_tokens, name_token, revoke_token
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.cli.refusals import Commands
from carefund.records.care_recipient.queries import is_service_provider_known

app = typer.Typer(cls=Commands, help="Tokens for the API.", no_args_is_help=True)


@app.command()
def add(
    username: Annotated[str, typer.Argument(help="The account that the token acts for.")],
    name: Annotated[str, typer.Option(help="What the token is for.")] = "API",
    days: Annotated[
        int | None, typer.Option(help="Days until it expires. Without this, it is valid until revoked.", min=1)
    ] = None,
    scope: Annotated[
        list[TokenScope], typer.Option(help="What the token can do, of what the account can do. Repeat for several.")
    ] = [TokenScope.READ],  # noqa: B006 typer reads it and changes nothing
    branch: Annotated[
        list[str] | None,
        typer.Option(help="Service Provider ID. Repeat for several. Without this, all branches of the account."),
    ] = None,
) -> None:
    """Create a token and show it, once only."""
    unknown = [
        service_provider_id
        for service_provider_id in branch or ()
        if not is_service_provider_known(service_provider_id)
    ]
    if unknown:
        complain(
            "No branch has this Service Provider ID.", "Check it for typing errors, or run `carefund providers sync`."
        )
        raise typer.Exit(WRONG_INPUT)
    with one_act():
        token, text = create_token(
            find_account_to_sign_in(username),
            name,
            timedelta(days=days) if days else None,
            scopes=scope,
            service_provider_ids=branch or (),
        )
        store_act(None, "API token created", name_token(token), after=token.permissions)
    print(text)
    screen.print(f"Token {token.pk}. It is shown only once. Store it securely in the other system.", highlight=False)


@app.command(name="list")
def list_all() -> None:
    """List the tokens, without their secret text."""
    columns = ("Token", "Name", "Account", "Permissions", "Branches", "Created", "Last used", "Expires", "Status")
    table = Table(*columns, box=None, pad_edge=False)
    tokens = list(list_tokens())
    if not tokens:
        screen.print("No tokens yet. Run `carefund tokens add` to create one.")
        return
    for token in tokens:
        used = f"{timezone.localtime(token.last_used_at):%-d %b %Y}" if token.last_used_at else "never"
        expires = f"{timezone.localtime(token.expires_at):%-d %b %Y}" if token.expires_at else "never"
        made = f"{timezone.localtime(token.created_at):%-d %b %Y}"
        may, where = ", ".join(token.scopes), ", ".join(token.service_provider_ids) or "all"
        table.add_row(
            str(token.pk), token.name, token.user.get_username(), may, where, made, used, expires, token.state
        )
    screen.print(table)


@app.command()
def revoke(number: Annotated[int, typer.Argument(help="Number of the token.", metavar="TOKEN")]) -> None:
    """Revoke a token immediately."""
    token = find_token_by_number(number)
    with one_act():
        revoke_token(token)
        store_act(None, "API token revoked", name_token(token))
    screen.print(f"Token {number} is revoked.", highlight=False)
