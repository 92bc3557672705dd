"""What a funder's client must be told, with the publicly known addresses as presets; reads no environment itself.

carefund/settings.py fills it from these variables (the same for both funders unless a funder is named):

    CAREFUND_FUNDER_ENVIRONMENT            sandbox (default), vendor or production
    CAREFUND_SANDBOX_URL                   where the sandbox listens; default http://127.0.0.1:8765
    CAREFUND_ORGANISATION_ID               PRODA organisation (RA) number
    CAREFUND_DEVICE_NAME                   PRODA B2B device name
    CAREFUND_PRODA_CLIENT_ID               client id for PRODA's token endpoint, from the integration pack
    CAREFUND_CLIENT_ID                     application id from the developer portal (X-IBM-Client-Id)
    CAREFUND_PRODUCT_ID                    product name and version exactly as certified (dhs-productId)
    CAREFUND_SERVICES_AUSTRALIA_AUDIENCE   token audience of aged care, from the integration pack
    CAREFUND_SERVICES_AUSTRALIA_URL        base address, instead of the preset
    CAREFUND_SERVICES_AUSTRALIA_PATHS      operation=template pairs, instead of the presets
    CAREFUND_SERVICES_AUSTRALIA_SPELLINGS  member=name pairs: further names of members of people's answers
    CAREFUND_INTERFACES_FILE               a file that says how the real interfaces differ from what is publicly known
    CAREFUND_NDIA_AUDIENCE, CAREFUND_NDIA_URL, CAREFUND_NDIA_PATHS, CAREFUND_NDIA_CLIENT_ID   the same for the NDIA
    CAREFUND_PRODA_DEVICE_URL              PRODA's device registration address, instead of the preset
    CAREFUND_PRODA_TOKEN_URL               PRODA's token address, instead of the preset
    CAREFUND_AUDIT_TYPE, CAREFUND_SUBJECT_TYPE, CAREFUND_SUBJECT, CAREFUND_CORRELATION_PREFIX
                                           the headers whose rules are not public
                                           (CAREFUND_SUBJECT: device or care-recipient)
    CAREFUND_CALLS_AT_ONCE                 calls under way at a time; 4 live, 64 in the sandbox
    CAREFUND_CALLS_PER_SECOND              5 live; 0 (no limit) in the sandbox
    CAREFUND_CALL_ATTEMPTS                 how often a read is tried in all; default 4
    CAREFUND_TIMEOUT_SECONDS               how long one call may take; default 30
    CAREFUND_PAGE_LIMIT                    rows asked for per page, 1 to 10000; default 1000
    CAREFUND_LARGEST_ANSWER_MB             megabytes of one answer, unpacked; default 16
    CAREFUND_MOST_ROWS                     rows of one list about one person, 1 to 30000; default 5000
    CAREFUND_MOST_PROVIDER_ROWS            rows of one list about a whole provider; default 200000
    CAREFUND_MOST_PAGES                    pages of one list; default 1000
    CAREFUND_REFRESH_SHARE                 share of its life after which a key or token is renewed;
                                           above 0.5; default 0.8

Source: rules SA-01, PRODA-05 and NDIS-01.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from carefund.funders.dialect import Interfaces

Environment = Literal["sandbox", "vendor", "production"]
Funder = Literal["services-australia", "ndia"]

PRODA_AUDIENCE = "https://proda.humanservices.gov.au"
ORGANISATION_TYPE = "http://ns.humanservices.gov.au/audit/type/proda/organisation"
DEVICE_TYPE = "http://ns.humanservices.gov.au/audit/type/proda/device"

_OAUTH_PATH = "/mga/sps/oauth/oauth20/token"
_HOSTS: dict[tuple[Environment, str], str] = {
    ("vendor", "proda_device_url"): "https://test.5.rsp.humanservices.gov.au",
    ("vendor", "proda_token_url"): f"https://vnd.proda.humanservices.gov.au{_OAUTH_PATH}",
    ("vendor", "services-australia"): "https://test.healthclaiming.api.humanservices.gov.au/claiming/ext-vnd/acws",
    ("production", "proda_device_url"): "https://5.rsp.humanservices.gov.au",
    ("production", "proda_token_url"): f"https://proda.humanservices.gov.au{_OAUTH_PATH}",
    ("production", "services-australia"): "https://healthclaiming.api.humanservices.gov.au/claiming/ext-prd/acws",
}
_SANDBOX_PATHS = {"services-australia": "/services-australia/claiming/ext-vnd/acws", "ndia": "/ndia"}
_SANDBOX_AUDIENCES = {
    "services-australia": "https://sandbox.carefund.example/aged-care",
    "ndia": "https://sandbox.carefund.example/ndia",
}
_ADDRESSES = ("base_url", "proda_device_url", "proda_token_url")


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits and patience: calls at once, calls per second (0: no limit), attempts, seconds of every kind; and how much
    of an answer is read: megabytes of a page, rows of a list about a person or a whole provider, pages of a list."""

    calls_at_once: int = 4
    calls_per_second: float = 5
    attempts: int = 4
    timeout_seconds: float = 30
    connect_seconds: float = 10
    back_off_seconds: float = 0.5
    longest_wait_seconds: float = 60
    refresh_share: float = 0.8
    largest_answer_mb: float = 16
    most_rows: int = 5_000
    most_provider_rows: int = 200_000
    most_pages: int = 1_000

    @property
    def largest_answer(self) -> int:
        """How many bytes an answer may have."""
        return int(self.largest_answer_mb * 1024 * 1024)


# Duplicates of a record are numbered in a column of two bytes.
_MOST_ROWS_EVER = 30_000
_WHOLE = ("calls_at_once", "attempts", "most_rows", "most_provider_rows", "most_pages")


@dataclass(frozen=True, slots=True)
class FunderConfiguration:
    """All that one funder's client needs to know; "" stands for not set."""

    funder: Funder
    environment: Environment
    base_url: str = ""
    proda_device_url: str = ""
    proda_token_url: str = ""
    organisation_id: str = ""
    device_name: str = ""
    proda_client_id: str = ""
    client_id: str = ""
    product_id: str = ""
    token_audience: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interfaces: Interfaces = field(default_factory=Interfaces)
    audit_type: str = ORGANISATION_TYPE
    subject_type: str = DEVICE_TYPE
    subject: Literal["device", "care-recipient"] = "device"
    correlation_prefix: str = "urn:uuid:"
    page_limit: int = 1000
    timing: Timing = field(default_factory=Timing)


SANDBOX_TIMING = Timing(
    calls_at_once=64, calls_per_second=0, connect_seconds=5, back_off_seconds=0.05, longest_wait_seconds=5
)


def configure(
    funder: Funder,
    environment: Environment = "sandbox",
    *,
    sandbox_url: str = "http://127.0.0.1:8765",
    timing: Mapping[str, float | None] | None = None,
    **given: Any,
) -> FunderConfiguration:
    """The configuration for one environment: its presets, overlaid with what is given; "" and None count as not given.

    `timing` holds members of `Timing`. Only the sandbox has values for what is not public.
    """
    presets = _sandbox_presets(funder, sandbox_url) if environment == "sandbox" else _live_presets(funder, environment)
    base = SANDBOX_TIMING if environment == "sandbox" else Timing()
    chosen = {name: value for name, value in (timing or {}).items() if value is not None}
    for name in _WHOLE:
        if name in chosen:
            chosen[name] = int(chosen[name])
    values = presets | {name: value for name, value in given.items() if value not in ("", None)}
    return FunderConfiguration(
        funder=funder,
        environment=environment,
        timing=replace(base, **chosen),  # type: ignore[arg-type]  # a mapping's values carry one type
        **values,
    )


def _live_presets(funder: Funder, environment: Environment) -> dict[str, Any]:
    return {
        "base_url": _HOSTS.get((environment, funder), ""),
        "proda_device_url": _HOSTS[environment, "proda_device_url"],
        "proda_token_url": _HOSTS[environment, "proda_token_url"],
    }


def _sandbox_presets(funder: Funder, sandbox_url: str) -> dict[str, Any]:
    root = sandbox_url.rstrip("/")
    return {
        "base_url": root + _SANDBOX_PATHS[funder],
        "proda_device_url": f"{root}/proda-rsp",
        "proda_token_url": f"{root}/proda{_OAUTH_PATH}",
        "organisation_id": "2410000001",
        "device_name": "carefund-sandbox-device",
        "proda_client_id": "soape-testing-client-v2",
        "client_id": "carefund-sandbox-client",
        "product_id": "Carefund 0.1",
        "token_audience": _SANDBOX_AUDIENCES[funder],
    }


def is_for_tests(configuration: FunderConfiguration) -> bool:
    """Whether nothing real can be reached: every address is one of the vendor environment, or of one sandbox.

    An address that is known to be neither makes it False, whatever the environment is called.
    """
    given = tuple(getattr(configuration, name) for name in _ADDRESSES)
    addresses = [urlsplit(address) for address in given]
    if configuration.environment == "production" or not all(given):
        return False
    vendors = {urlsplit(url).hostname for (environment, _), url in _HOSTS.items() if environment == "vendor"}
    if configuration.environment == "vendor" and all(
        address.scheme == "https" and address.hostname in vendors for address in addresses
    ):
        return True
    presets = _sandbox_presets(
        configuration.funder, configuration.base_url.removesuffix(_SANDBOX_PATHS[configuration.funder])
    )
    is_government = any(f".{address.hostname}".rstrip(".").endswith(".gov.au") for address in addresses)
    return not is_government and given == tuple(presets[name] for name in _ADDRESSES)


def parse_spellings(given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What CAREFUND_SERVICES_AUSTRALIA_SPELLINGS says, `Budget.used=amountSpent|spent`, as names per member."""
    return {member: tuple(names.split("|")) for member, names in given.items()}


def missing_values(configuration: FunderConfiguration) -> list[tuple[str, str]]:
    """What still has to be set before this environment can be used: (variable, one sentence), none when ready."""
    prefix = "CAREFUND_NDIA" if configuration.funder == "ndia" else "CAREFUND_SERVICES_AUSTRALIA"
    needed = (
        ("base_url", f"{prefix}_URL", "the address of the API, from the funder's documents"),
        ("organisation_id", "CAREFUND_ORGANISATION_ID", "the organisation's PRODA (RA) number"),
        ("device_name", "CAREFUND_DEVICE_NAME", "the name of the B2B device registered in PRODA"),
        ("proda_client_id", "CAREFUND_PRODA_CLIENT_ID", "the software's PRODA client ID, from the integration pack"),
        ("client_id", "CAREFUND_CLIENT_ID", "the application ID issued in the developer portal"),
        ("product_id", "CAREFUND_PRODUCT_ID", "the product name and version exactly as certified"),
        ("token_audience", f"{prefix}_AUDIENCE", "the token audience, from the integration pack"),
        ("proda_device_url", "CAREFUND_PRODA_DEVICE_URL", "PRODA's device registration address"),
        ("proda_token_url", "CAREFUND_PRODA_TOKEN_URL", "PRODA's token address"),
    )
    missing = [
        (variable, f"{variable} is not set: {what}.")
        for attribute, variable, what in needed
        if not getattr(configuration, attribute)
    ]
    if not 0.5 < configuration.timing.refresh_share < 1:
        missing.append(("CAREFUND_REFRESH_SHARE", "CAREFUND_REFRESH_SHARE must be between 0.5 and 1."))
    return missing + unusable_limits(configuration)


def unusable_limits(configuration: FunderConfiguration) -> list[tuple[str, str]]:
    """The limits on pages and answers that cannot be right: (variable, one sentence)."""
    timing = configuration.timing
    ranges = (
        ("CAREFUND_PAGE_LIMIT", configuration.page_limit, 1, 10_000),
        ("CAREFUND_LARGEST_ANSWER_MB", timing.largest_answer_mb, 1, 1024),
        ("CAREFUND_MOST_ROWS", timing.most_rows, 1, _MOST_ROWS_EVER),
        ("CAREFUND_MOST_PROVIDER_ROWS", timing.most_provider_rows, 1, 10_000_000),
        ("CAREFUND_MOST_PAGES", timing.most_pages, 1, 30_000),
    )
    return [
        (variable, f"{variable} must be between {least} and {most}.")
        for variable, value, least, most in ranges
        if not least <= value <= most
    ]
