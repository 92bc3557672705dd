"""`carefund tokens`: ways in for machines, each in the name of an account."""

from datetime import timedelta
from typing import Annotated

import typer
from django.utils import timezone
from rich.table import Table

from carefund.access.accounts import find_account_to_sign_in
from carefund.access.audit import one_act, store_act
from carefund.access.tokens import create_token, find_token_by_number, list_tokens, name_token, revoke_token
from carefund.cli.output import screen
from carefund.cli.refusals import Commands

app = typer.Typer(cls=Commands, help="Tokens for the API.", no_args_is_help=True)


@app.command()
def add(
    username: Annotated[str, typer.Argument(help="The account whose permissions the token has.")],
    name: Annotated[str, typer.Option(help="What the token is for.")] = "API",
    days: Annotated[
        int | None, typer.Option(help="Days until it expires. Without this, it is valid until revoked.", min=1)
    ] = None,
) -> None:
    """Create a token and show it, once only."""
    with one_act():
        token, text = create_token(find_account_to_sign_in(username), name, timedelta(days=days) if days else None)
        store_act(None, "API token created", name_token(token), after={"expires": token.expires_at})
    print(text)
    screen.print(f"Token {token.pk}. It is shown only once. Store it securely in the other system.", highlight=False)


@app.command(name="list")
def list_all() -> None:
    """List the tokens, without their secret text."""
    table = Table("Token", "Name", "Account", "Created", "Last used", "Expires", "Status", box=None, pad_edge=False)
    for token in list_tokens():
        used = f"{timezone.localtime(token.last_used_at):%-d %b %Y}" if token.last_used_at else "never"
        expires = f"{timezone.localtime(token.expires_at):%-d %b %Y}" if token.expires_at else "never"
        made = f"{timezone.localtime(token.created_at):%-d %b %Y}"
        table.add_row(str(token.pk), token.name, token.user.get_username(), made, used, expires, token.state)
    screen.print(table)


@app.command()
def revoke(number: Annotated[int, typer.Argument(help="Number of the token.", metavar="TOKEN")]) -> None:
    """Revoke a token immediately."""
    token = find_token_by_number(number)
    with one_act():
        revoke_token(token)
        store_act(None, "API token revoked", name_token(token))
    screen.print(f"Token {number} is revoked.", highlight=False)
