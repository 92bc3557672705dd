"""How a command that was refused ends: the only place in this interface that knows what packages below raise. No rules.

A known refusal is one message with advice on standard error, and an exit status; never a traceback.
"""

from typing import Any

import typer
from django.core.exceptions import PermissionDenied
from typer.core import TyperGroup

from carefund.cli.output import FAILED, WRONG_INPUT, complain
from carefund.funders.errors.root import FunderError
from carefund.records.backups.manifest import BackupRefused
from carefund.records.database_trouble import DatabaseError, describe, describe_disk
from carefund.records.not_found import NotHere
from carefund.runs.foreground import WorkFailed
from carefund.runs.ndis.plans import NotRetrieved
from carefund.sync.ndis.problems import IdentityIncomplete, PaceProblem


class Commands(TyperGroup):
    """A group of commands whose refusals are told here."""

    def invoke(self, ctx: Any) -> Any:
        """Carry a command out; what packages below refuse becomes a message and an exit status."""
        try:
            return super().invoke(ctx)
        except NotHere as refusal:
            complain(refusal.message, refusal.advice)
            raise typer.Exit(WRONG_INPUT) from None
        except PermissionDenied as refusal:
            complain(str(refusal) or "That is not allowed.")
            raise typer.Exit(WRONG_INPUT) from None
        except PaceProblem as problem:
            complain(problem.message, problem.advice)
            raise typer.Exit(WRONG_INPUT if isinstance(problem, IdentityIncomplete) else FAILED) from None
        except FunderError as error:
            complain(str(error), error.advice)
        except (BackupRefused, NotRetrieved, WorkFailed) as error:
            complain(error.message, error.advice)
        except DatabaseError as error:
            complain(*describe(error))
        except OSError as error:
            told = describe_disk(error)
            if not told:
                raise
            complain(*told)
        raise typer.Exit(FAILED)
