"""`carefund device`: the PRODA device of this installation."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from django.conf import settings

from carefund.access.audit_log import store_act
from carefund.cli.output import screen
from carefund.cli.refusals import Commands
from carefund.funders.devices import DeviceState
from carefund.funders.proda import Proda
from carefund.funders.sessions import open_proda
from carefund.runs.funder_sessions import device_store

app = typer.Typer(cls=Commands, help="The PRODA device of this installation.", no_args_is_help=True)


@app.command()
def activate(
    activation_code: Annotated[
        str, typer.Argument(help="The one-time code PRODA showed when the device was registered.")
    ],
) -> None:
    """Make a key pair and activate the device with PRODA's one-time code."""
    store_act(None, "Device activation requested")
    state = asyncio.run(_with_proda(lambda proda: proda.activate(activation_code)))
    _print_outcome("The device is active.", state)


@app.command()
def refresh() -> None:
    """Renew the device's key now. Otherwise it is renewed automatically when it is due."""
    store_act(None, "New device key requested")
    state = asyncio.run(_with_proda(lambda proda: proda.refresh_key()))
    _print_outcome("The device has a new key.", state)


async def _with_proda(work: Callable[[Proda], Awaitable[DeviceState]]) -> DeviceState:
    async with open_proda(settings.SERVICES_AUSTRALIA, device_store()) as proda:
        return await work(proda)


def _print_outcome(message: str, state: DeviceState) -> None:
    screen.print(message)
    for title, instant in (("Key", state.key_expires_at), ("Device", state.device_expires_at)):
        if instant:
            day = f"{instant.astimezone(settings.BUSINESS_TIME_ZONE):%-d %B %Y}"
            screen.print(f"{title} expires on {day}.", highlight=False)
