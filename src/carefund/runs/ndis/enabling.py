"""Who may be asked about at the NDIA: the organisation's switches and a client's details, by page or API."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

from django.contrib.auth.models import User

from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import list_others_of_number
from carefund.records.models import Client, NdisParticipant
from carefund.records.ndis.queries import CATEGORY_ALIASES, PACE_API, find_category_aliases, is_pace_api_enabled
from carefund.records.ndis.store import store_participant, store_setting
from carefund.sync.ndis.contracts import NDIS_NUMBER


@dataclass(frozen=True, slots=True)
class NdisDetails:
    """What a client is to the NDIA. Surname and birth date only where they differ from the client's own."""

    ndis_number: str | None = None
    surname: str = ""
    birth_date: date | None = None
    is_pace_participant: bool = False
    api_access: bool = False

    @classmethod
    def read(
        cls, *, ndis_number: str | None, surname: str, birth_date: date | None, is_pace_participant: bool,
        api_access: bool,
    ) -> "NdisDetails":  # fmt: skip
        """Return what was given: a number without blanks; API access counts only beside the PACE tick."""
        number = "".join((ndis_number or "").split()) or None
        return cls(number, surname.strip(), birth_date, is_pace_participant, api_access and is_pace_participant)

    def find_problems(self, user: User, client: Client) -> dict[str, str]:
        """Return what is wrong, by field. Of clients whom this person may not see they are not to learn."""
        problems = {}
        if self.ndis_number and not NDIS_NUMBER.fullmatch(self.ndis_number):
            problems["ndis_number"] = "An NDIS number has 9 digits."
        elif self.ndis_number and list_others_of_number(user, self.ndis_number, client):
            problems["ndis_number"] = "Another client already has this NDIS number."
        if self.api_access and not self.ndis_number:
            problems["ndis_number"] = "This is required to retrieve plans from the NDIA."
        if self.api_access and not (self.birth_date or client.birth_date):
            problems["birth_date"] = "A date of birth is required to retrieve plans from the NDIA."
        return problems


def store_details(client: Client, details: NdisDetails) -> NdisParticipant:
    """Keep a client's details."""
    return store_participant(client, **asdict(details))


def store_settings(user: User, *, pace_api: bool, mapped: Mapping[str, str]) -> None:
    """Switch the PACE API, and keep the categories that texts were mapped to, beside those mapped before."""
    aliases = find_category_aliases()
    before = {"PACE API": is_pace_api_enabled(), **aliases}
    with one_act():
        store_setting(PACE_API, pace_api)
        store_setting(CATEGORY_ALIASES, aliases | dict(mapped))
        store_act(user, "NDIS settings changed", before=before, after={"PACE API": pace_api, **aliases, **mapped})
