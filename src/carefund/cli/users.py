"""`carefund users`: the first accounts; further ones are made on the console."""

from typing import Annotated

import typer
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from carefund.access.accounts import AccountExists, add_user
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import Role
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.cli.refusals import Commands

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
