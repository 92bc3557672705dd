"""`carefund users`: the first accounts, and a list of all; further ones are made on the console."""

from typing import Annotated, Any

import typer
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from rich.table import Table

from carefund.access.accounts import Account, AccountExists, add_user, list_accounts
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import Role
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.wording import write_day

app = typer.Typer(cls=Commands, help="Accounts of the console.", no_args_is_help=True)


@app.command()
def add(
    username: Annotated[str, typer.Argument()],
    role: Annotated[Role, typer.Option(help="The role of the user.")] = Role.ADMINISTRATOR,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)] = "",
) -> None:
    """Add an account with a role. Asks for the password."""
    try:
        validate_password(password)
        with one_act():
            add_user(username, password, role)
            store_act(None, "Account added", f"account {username}", after={"role": role.value})
    except ValidationError as error:
        complain(" ".join(error.messages), "Choose another password.")
        raise typer.Exit(WRONG_INPUT) from None
    except AccountExists:
        complain("An account with this name already exists.", "Choose another name.")
        raise typer.Exit(WRONG_INPUT) from None
    screen.print(f"Added {username}, {role.value}.", highlight=False)


@app.command(name="list")
def list_all(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the accounts with their roles and branches, those that can sign in first."""
    accounts = [_as_data(account) for account in list_accounts()]
    if json:
        print_json(accounts)
        return
    columns = ("User", "Name", "Role", "Service Provider IDs", "Two-factor", "Last sign-in", "Can sign in")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for account in accounts:
        seen_at = account["last_sign_in_at"]
        table.add_row(
            account["username"],
            account["name"],
            account["role"] or "none",
            "all" if account["branches"] is None else ", ".join(account["branches"]),
            "on" if account["two_factor"] else "off",
            write_day(timezone.localtime(seen_at).date()) if seen_at else "never",
            "yes" if account["is_active"] else "no",
        )
    screen.print(table if accounts else "No accounts yet. Add one with `carefund users add`.")


def _as_data(account: Account) -> dict[str, Any]:
    person = account.person
    return {
        "username": person.get_username(),
        "name": person.get_full_name(),
        "role": account.role and account.role.value,
        "branches": None if account.role in (Role.ADMINISTRATOR, Role.FINANCE) else list(account.branches),
        "two_factor": account.two_factor,
        "last_sign_in_at": person.last_login,
        "is_active": person.is_active,
    }
