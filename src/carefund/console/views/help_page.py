"""Help: what each role does and where, what the words on the pages mean, and whom to ask."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.shortcuts import render

from carefund.access.accounts import list_accounts
from carefund.access.roles import Role, may_administer, may_claim, may_enter, may_run_in_bulk, may_synchronise
from carefund.console.page_access import Request, page
from carefund.console.page_terms import PAGE_TERMS

May = Callable[[User | AnonymousUser], bool]


@dataclass(frozen=True, slots=True)
class HelpTask:
    """One thing that a person does: its name, the page where it begins, how, and who may."""

    name: str
    page: str
    steps: str
    may: May = may_enter

    @property
    def address(self) -> str:
        """The page's name as templates link to it."""
        return f"console:{self.page}"


@dataclass(frozen=True, slots=True)
class HelpTopic:
    """Tasks that belong together."""

    name: str
    tasks: tuple[HelpTask, ...]


TOPICS = (
    HelpTopic(
        "First steps",
        (
            HelpTask(
                "Connect to Services Australia",
                "connections",
                "Set what is missing, then select Test the connection.",
                may_administer,
            ),
            HelpTask(
                "Add your clients",
                "client-new",
                "Add them one by one, or import a spreadsheet under Import clients.",
                may_administer,
            ),
            HelpTask(
                "Synchronise everyone once", "run-new", "Select All active clients, then Everything.", may_administer
            ),
            HelpTask(
                "Set up backups",
                "schedules",
                "Set CAREFUND_BACKUP_FOLDER. Carefund then makes a backup each night.",
                may_administer,
            ),
        ),
    ),
    HelpTopic(
        "Clients",
        (
            HelpTask("Find a client", "clients", "Type the beginning of a name, or an ID."),
            HelpTask(
                "See what a client can still spend",
                "clients",
                "Open the client. Funding shows what is safe to spend in each budget that covers today.",
            ),
            HelpTask(
                "See whether one more service fits",
                "clients",
                "Open the client. Enter the price per visit, how often, and from when.",
            ),
            HelpTask(
                "Get today's figures",
                "clients",
                "Open the client and select Synchronise Budget Information. Preview changes shows them first.",
                may_synchronise,
            ),
            HelpTask(
                "Understand a figure",
                "clients",
                "Open the client and select the total of a budget. Each part shows where it comes from.",
            ),
            HelpTask("See what changed", "home", "Home lists what is new. A client's Changes lists everything."),
            HelpTask("See earlier figures", "clients", "Open the client, select As at a date, and choose a day."),
            HelpTask(
                "Add a client", "client-new", "Enter the name, and the Care Recipient ID if known.", may_synchronise
            ),
            HelpTask(
                "Check NDIS contracts",
                "ndis-comparisons",
                "Contracts that differ from PACE come first. Open one to see the differences.",
            ),
        ),
    ),
    HelpTopic(
        "Claims and money",
        (
            HelpTask(
                "See where the money is",
                "money",
                "Each delivered line is in one stage. Start with what is late.",
                may_claim,
            ),
            HelpTask("Import invoices", "invoices", "Choose a CSV file. Carefund shows what it would add.", may_claim),
            HelpTask(
                "Claim",
                "batch-new",
                "Choose the branch and the days, create the batch, then select Submit and claim and confirm.",
                may_claim,
            ),
            HelpTask("Follow a claim", "claims", "Select Check Status. It also runs on a schedule.", may_claim),
            HelpTask(
                "Review exceptions",
                "claim-exceptions",
                "Lines whose claimed, paid and drawn amounts do not match, and what to do about each.",
                may_claim,
            ),
            HelpTask(
                "Synchronise many clients",
                "run-new",
                "Choose who and what. You can close the browser.",
                may_run_in_bulk,
            ),
            HelpTask("See what is running", "runs", "Pause, cancel or retry a run on its page.", may_run_in_bulk),
        ),
    ),
    HelpTopic(
        "Administration",
        (
            HelpTask("Check the connection", "connections", "Select Test the connection.", may_administer),
            HelpTask("Give someone access", "people", "Add a user, then choose a role and branches.", may_administer),
            HelpTask("Change when runs start", "schedules", "Each schedule shows when it runs next.", may_administer),
            HelpTask("Connect another system", "all-tokens", "Create a token for the API.", may_administer),
            HelpTask(
                "See who looked at a client", "access-log", "Search by user or Care Recipient ID.", may_administer
            ),
            HelpTask("See who changed what", "audit-log", "Search by user or by what was done.", may_administer),
        ),
    ),
)


@page()
def show(request: Request) -> HttpResponse:
    """The tasks of whoever asks, what the words on the pages mean, and the administrators."""
    topics = [(topic.name, [task for task in topic.tasks if task.may(request.user)]) for topic in TOPICS]
    administrators = [
        account.person for account in list_accounts() if account.role is Role.ADMINISTRATOR and account.person.is_active
    ]
    context = {
        "topics": [(name, tasks) for name, tasks in topics if tasks],
        "terms": PAGE_TERMS,
        "administrators": administrators,
        "docs_url": settings.DOCS_URL,
    }
    return render(request, "console/help.html", context)
