"""Everything that a deployment can decide: the only file that reads the environment.

Each value is one `CAREFUND_…` variable; docs/settings.md lists them all, and a test compares the two. What Django is
told because of them is here too; what no deployment decides is in fixed_settings.py. What belongs to one funder is read
here and handed on as plain data (`SERVICES_AUSTRALIA`, `NDIA`), so that the funder clients know neither Django nor the
environment.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

from carefund import fixed_settings
from carefund.access.role_names import read_group_roles
from carefund.domain.backups import LEAST_CHARACTERS
from carefund.environment import EnvironmentVariables, SecretSource
from carefund.fixed_settings import *  # noqa: F403 Django looks for all its settings here
from carefund.funders.configuration import Environment, configure, parse_spellings
from carefund.funders.dialect import Interfaces
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.interfaces.file import read_file
from carefund.funders.ndia import operations as ndia_operations
from carefund.funders.ndia.operations import IdentityChannel
from carefund.funders.paths import wrong_paths
from carefund.funders.services_australia import operations as services_australia_operations
from carefund.funders.services_australia.readers import wrong_spellings

env = EnvironmentVariables()

# A file of NAME=value lines; `carefund setup` and `make demo` write one. Variables already set win.
ENVIRONMENT_FILE = Path(env.str("CAREFUND_ENVIRONMENT_FILE", default="carefund.env"))
_KEYS_WERE_SET = bool(env.str("CAREFUND_ENCRYPTION_KEYS", default=""))
if ENVIRONMENT_FILE.is_file():
    EnvironmentVariables.read_env(ENVIRONMENT_FILE)

DEBUG = env.bool("CAREFUND_DEBUG", default=False)
DATA_FOLDER = Path(env.str("CAREFUND_DATA_FOLDER", default="var")).absolute()
_secret_key, _ = env.secret("CAREFUND_SECRET_KEY", "CAREFUND_SECRET_KEY_FILE", "CAREFUND_SECRET_KEY_COMMAND")
SECRET_KEY = _secret_key or "not-configured"
HAS_SECRET_KEY = bool(_secret_key)  # without one, `carefund check` is not content
_keys, ENCRYPTION_KEYS_SOURCE = env.secret(
    "CAREFUND_ENCRYPTION_KEYS", "CAREFUND_ENCRYPTION_KEYS_FILE", "CAREFUND_ENCRYPTION_KEYS_COMMAND"
)
ENCRYPTION_KEYS: list[str] = [key for key in re.split(r"[\s,]+", _keys) if key]
if not _KEYS_WERE_SET and ENCRYPTION_KEYS_SOURCE.words == "CAREFUND_ENCRYPTION_KEYS" and ENCRYPTION_KEYS:
    ENCRYPTION_KEYS_SOURCE = SecretSource(str(ENVIRONMENT_FILE), ENVIRONMENT_FILE.absolute(), is_environment_file=True)
ALLOWED_HOSTS: list[str] = env.list("CAREFUND_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CAREFUND_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.networks("CAREFUND_TRUSTED_PROXIES", default=[])
WEBHOOK_ADDRESSES = env.networks("CAREFUND_WEBHOOK_ADDRESSES", default=[])
METRICS_ADDRESSES = env.networks("CAREFUND_METRICS_ADDRESSES", default=["127.0.0.0/8", "::1"])
OTLP_ENDPOINT = env.collector("CAREFUND_OTLP_ENDPOINT")
HTTPS = env.bool("CAREFUND_HTTPS", default=False)
PUBLIC_URL = env.str("CAREFUND_PUBLIC_URL", default="http://127.0.0.1:8000")
PROVIDER_NAME = env.str("CAREFUND_PROVIDER_NAME", default="Our care organisation")
DOCS_URL = env.web_address("CAREFUND_DOCS_URL")

DATABASE_URL = env.str("CAREFUND_DATABASE_URL", default=f"sqlite:///{DATA_FOLDER / 'carefund.sqlite3'}")
DATABASE_TIMEOUT = env.from_zero("CAREFUND_DATABASE_TIMEOUT", "seconds", default=20)
_database: dict[str, Any] = EnvironmentVariables.db_url_config(DATABASE_URL)
ON_POSTGRESQL = "postgresql" in _database["ENGINE"]
if ON_POSTGRESQL:
    _database["CONN_HEALTH_CHECKS"] = True
    _database["CONN_MAX_AGE"] = 60
    _database["OPTIONS"] = {"connect_timeout": max(DATABASE_TIMEOUT, 2)} | _database.get("OPTIONS", {})
elif "sqlite3" in _database["ENGINE"]:
    _database["ENGINE"] = "carefund.records.sqlite"
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_TIMEOUT,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;"
        "PRAGMA mmap_size=67108864; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON;",
    }
    _database["CONN_MAX_AGE"] = None
else:
    raise ImproperlyConfigured("CAREFUND_DATABASE_URL must begin with sqlite:/// or postgresql://")
DATABASES = {"default": _database}

_given = {
    "organisation_id": env.str("CAREFUND_ORGANISATION_ID", default=""),
    "device_name": env.str("CAREFUND_DEVICE_NAME", default=""),
    "proda_client_id": env.str("CAREFUND_PRODA_CLIENT_ID", default=""),
    "product_id": env.str("CAREFUND_PRODUCT_ID", default=""),
    "proda_device_url": env.str("CAREFUND_PRODA_DEVICE_URL", default=""),
    "proda_token_url": env.str("CAREFUND_PRODA_TOKEN_URL", default=""),
    "audit_type": env.str("CAREFUND_AUDIT_TYPE", default=""),
    "subject_type": env.str("CAREFUND_SUBJECT_TYPE", default=""),
    "subject": env.choice("CAREFUND_SUBJECT", "device", "care-recipient", default="device"),
    "correlation_prefix": env.str("CAREFUND_CORRELATION_PREFIX", default=""),
    "page_limit": env.int("CAREFUND_PAGE_LIMIT", default=None),
}
_timing = {
    "calls_at_once": env.int("CAREFUND_CALLS_AT_ONCE", default=None),
    "calls_per_second": env.float("CAREFUND_CALLS_PER_SECOND", default=None),
    "attempts": env.int("CAREFUND_CALL_ATTEMPTS", default=None),
    "timeout_seconds": env.float("CAREFUND_TIMEOUT_SECONDS", default=None),
    "refresh_share": env.float("CAREFUND_REFRESH_SHARE", default=None),
    "largest_answer_mb": env.float("CAREFUND_LARGEST_ANSWER_MB", default=None),
    "most_rows": env.int("CAREFUND_MOST_ROWS", default=None),
    "most_provider_rows": env.int("CAREFUND_MOST_PROVIDER_ROWS", default=None),
    "most_pages": env.int("CAREFUND_MOST_PAGES", default=None),
}
# How the real interfaces differ from what is publicly known; without one of its own, the file accepted on the page.
ACCEPTED_INTERFACES_FILE = DATA_FOLDER / "interfaces.toml"
INTERFACES_FILE = env.str("CAREFUND_INTERFACES_FILE", default=str(next(DATA_FOLDER.glob("interfaces.toml"), "")))
try:
    _interfaces = read_file(Path(INTERFACES_FILE)) if INTERFACES_FILE else {}
except NotConfigured as _fault:
    raise ImproperlyConfigured(str(_fault)) from None
FUNDER_ENVIRONMENT: Environment = env.choice(
    "CAREFUND_FUNDER_ENVIRONMENT", "sandbox", "vendor", "production", default="sandbox"
)
SANDBOX_URL = env.str("CAREFUND_SANDBOX_URL", default="http://127.0.0.1:8765")
CLIENT_ID = env.str("CAREFUND_CLIENT_ID", default="")
SERVICES_AUSTRALIA = configure(
    "services-australia",
    FUNDER_ENVIRONMENT,
    sandbox_url=SANDBOX_URL,
    timing=_timing,
    base_url=env.str("CAREFUND_SERVICES_AUSTRALIA_URL", default=""),
    paths={
        **_interfaces.get("services-australia", Interfaces()).paths,
        **env.pairs("CAREFUND_SERVICES_AUSTRALIA_PATHS"),
    },
    interfaces=_interfaces.get("services-australia"),
    spellings=parse_spellings(env.pairs("CAREFUND_SERVICES_AUSTRALIA_SPELLINGS")),
    token_audience=env.str("CAREFUND_SERVICES_AUSTRALIA_AUDIENCE", default=""),
    client_id=CLIENT_ID,
    **_given,
)

# The NDIA shares PRODA's device, and is asked more slowly.
_ndia_speed = None if FUNDER_ENVIRONMENT == "sandbox" else 2.0
NDIA = configure(
    "ndia",
    FUNDER_ENVIRONMENT,
    sandbox_url=SANDBOX_URL,
    timing=_timing | {"calls_per_second": env.float("CAREFUND_NDIA_CALLS_PER_SECOND", default=_ndia_speed)},
    base_url=env.str("CAREFUND_NDIA_URL", default=""),
    paths={**_interfaces.get("ndia", Interfaces()).paths, **env.pairs("CAREFUND_NDIA_PATHS")},
    interfaces=_interfaces.get("ndia"),
    token_audience=env.str("CAREFUND_NDIA_AUDIENCE", default=""),
    client_id=env.str("CAREFUND_NDIA_CLIENT_ID", default=CLIENT_ID),
    **_given,
)
_wrong = [
    sentence
    for configuration, operations in (
        (SERVICES_AUSTRALIA, services_australia_operations),
        (NDIA, ndia_operations),
    )
    for sentence in wrong_paths(operations.SETTING, configuration.paths, operations.PATHS)
] + wrong_spellings(SERVICES_AUSTRALIA.spellings)
if _wrong:
    raise ImproperlyConfigured("\n".join(_wrong))
NDIA_IDENTITY_CHANNEL: IdentityChannel = env.choice(
    "CAREFUND_NDIA_IDENTITY_CHANNEL", "query", "header", default="query"
)
NDIA_BUDGETS_PER_HOUR = env.int("CAREFUND_NDIA_BUDGETS_PER_HOUR", default=0)
# A digital partner's gateway may stand in for the NDIA: set its address, and the pair of names it knows us by.
NDIA_PARTNER_URL = env.str("CAREFUND_NDIA_PARTNER_URL", default="")
NDIA_PARTNER_ORGANISATION = env.str("CAREFUND_NDIA_PARTNER_ORGANISATION", default="")
NDIA_PARTNER_INTERFACES = _interfaces.get("ndia-partner", Interfaces())
NDIA_PARTNER_KEY = env.str("CAREFUND_NDIA_PARTNER_KEY", default="")

BUSINESS_TIME_ZONE = ZoneInfo(env.str("CAREFUND_BUSINESS_TIME_ZONE", default="Australia/Sydney"))
OPEN_BUDGET_DAYS = env.int("CAREFUND_OPEN_BUDGET_DAYS", default=90)
KEEP_RUNS_DAYS = env.from_zero("CAREFUND_KEEP_RUNS_DAYS", "days (0: keep forever)", default=730)
KEEP_SIGN_INS_DAYS = env.from_zero("CAREFUND_KEEP_SIGN_INS_DAYS", "days (0: keep forever)", default=90)
TAIL_DAYS = env.int("CAREFUND_TAIL_DAYS", default=365)
SURVEY_ROTATION_DAYS = env.int("CAREFUND_SURVEY_ROTATION_DAYS", default=28)
SURVEY_FULL_PASS_DAYS = env.int("CAREFUND_SURVEY_FULL_PASS_DAYS", default=28)
SURVEY_DRIFT_PERCENT = env.int("CAREFUND_SURVEY_DRIFT_PERCENT", default=2)
SURVEY_VANISHED_PERCENT = env.int("CAREFUND_SURVEY_VANISHED_PERCENT", default=10)
BACKUP_FOLDER = env.str("CAREFUND_BACKUP_FOLDER", default="")
BACKUP_PASSPHRASE, _ = env.secret(
    "CAREFUND_BACKUP_PASSPHRASE", "CAREFUND_BACKUP_PASSPHRASE_FILE", "CAREFUND_BACKUP_PASSPHRASE_COMMAND"
)
if 0 < len(BACKUP_PASSPHRASE) < LEAST_CHARACTERS:
    raise ImproperlyConfigured(f"CAREFUND_BACKUP_PASSPHRASE must have {LEAST_CHARACTERS} characters or more.")
BACKUP_KEEP_DAILY = env.from_zero("CAREFUND_BACKUP_KEEP_DAILY", "backups", default=7)
BACKUP_KEEP_WEEKLY = env.from_zero("CAREFUND_BACKUP_KEEP_WEEKLY", "backups", default=5)
STALE_AFTER_HOURS = env.int("CAREFUND_STALE_AFTER_HOURS", default=24)

# Alerts by email, through any SMTP server.
EMAIL_HOST = env.str("CAREFUND_SMTP_HOST", default="")
_smtp_security = env.choice("CAREFUND_SMTP_SECURITY", "starttls", "tls", "none", default="starttls")
EMAIL_USE_TLS, EMAIL_USE_SSL = _smtp_security == "starttls", _smtp_security == "tls"
EMAIL_PORT = env.int("CAREFUND_SMTP_PORT", default={"starttls": 587, "tls": 465, "none": 25}[_smtp_security])
EMAIL_HOST_USER = env.str("CAREFUND_SMTP_USER", default="")
EMAIL_HOST_PASSWORD, _ = env.secret(
    "CAREFUND_SMTP_PASSWORD", "CAREFUND_SMTP_PASSWORD_FILE", "CAREFUND_SMTP_PASSWORD_COMMAND"
)
EMAIL_TIMEOUT = env.int("CAREFUND_SMTP_SECONDS", default=20)
DEFAULT_FROM_EMAIL = env.str("CAREFUND_MAIL_FROM", default="")
if EMAIL_HOST and "@" not in DEFAULT_FROM_EMAIL:
    raise ImproperlyConfigured("CAREFUND_MAIL_FROM must be an email address, since CAREFUND_SMTP_HOST is set.")

TIME_ZONE = str(BUSINESS_TIME_ZONE)
INSTALLED_APPS = fixed_settings.INSTALLED_APPS + (["procrastinate.contrib.django"] if ON_POSTGRESQL else [])
STATIC_ROOT = DATA_FOLDER / "static"
REQUEST_SECONDS = env.int("CAREFUND_REQUEST_SECONDS", default=120)
WEB_THREADS = env.int("CAREFUND_WEB_THREADS", default=8)
if not 1 <= WEB_THREADS <= 64:
    raise ImproperlyConfigured("CAREFUND_WEB_THREADS must be a number from 1 to 64")

SESSION_COOKIE_AGE = env.int("CAREFUND_SESSION_HOURS", default=12) * 3600
IDLE_MINUTES = env.from_zero("CAREFUND_IDLE_MINUTES", "minutes (0: no limit)", default=0)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
if HTTPS:  # a name that browsers take from this host alone, encrypted
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
AXES_FAILURE_LIMIT = env.int("CAREFUND_LOGIN_FAILURE_LIMIT", default=5)
AXES_COOLOFF_TIME = env.int("CAREFUND_LOGIN_COOL_OFF_MINUTES", default=15) / 60
ADDRESS_FAILURE_LIMIT = env.int("CAREFUND_ADDRESS_FAILURE_LIMIT", default=50)
API_CALLS_PER_MINUTE = env.int("CAREFUND_API_CALLS_PER_MINUTE", default=600)
if API_CALLS_PER_MINUTE < 0:
    raise ImproperlyConfigured("CAREFUND_API_CALLS_PER_MINUTE must be 0 (no limit) or a number of calls")
BREACHED_PASSWORDS_FILE = env.str("CAREFUND_BREACHED_PASSWORDS_FILE", default="")
if BREACHED_PASSWORDS_FILE and not Path(BREACHED_PASSWORDS_FILE).is_file():
    raise ImproperlyConfigured("CAREFUND_BREACHED_PASSWORDS_FILE names no file")
TWO_FACTOR_REQUIRED = env.bool("CAREFUND_TWO_FACTOR_REQUIRED", default=False)

# The provider's own directory signs people in, by OpenID Connect.
OIDC_ISSUER = env.web_address("CAREFUND_OIDC_ISSUER")
OIDC_CLIENT_ID = env.str("CAREFUND_OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET, _ = env.secret(
    "CAREFUND_OIDC_CLIENT_SECRET", "CAREFUND_OIDC_CLIENT_SECRET_FILE", "CAREFUND_OIDC_CLIENT_SECRET_COMMAND"
)
OIDC_NAME = env.str("CAREFUND_OIDC_NAME", default="your organisation's account")
OIDC_SCOPES = env.str("CAREFUND_OIDC_SCOPES", default="openid profile email")
OIDC_GROUPS_CLAIM = env.str("CAREFUND_OIDC_GROUPS_CLAIM", default="groups")
try:
    OIDC_ROLES = read_group_roles(env.pairs("CAREFUND_OIDC_ROLES"))
except ValueError as _fault:
    raise ImproperlyConfigured(f"CAREFUND_OIDC_ROLES: {_fault}.") from None
PASSWORD_ACCOUNTS: list[str] = env.list("CAREFUND_PASSWORD_ACCOUNTS", default=[])
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET and OIDC_ROLES):
    raise ImproperlyConfigured(
        "CAREFUND_OIDC_ISSUER needs CAREFUND_OIDC_CLIENT_ID, CAREFUND_OIDC_CLIENT_SECRET and CAREFUND_OIDC_ROLES."
    )
if OIDC_ISSUER.startswith("http://") and urlsplit(OIDC_ISSUER).hostname not in ("localhost", "127.0.0.1"):
    raise ImproperlyConfigured("CAREFUND_OIDC_ISSUER must begin with https://.")
if "openid" not in OIDC_SCOPES.split():
    raise ImproperlyConfigured("CAREFUND_OIDC_SCOPES must hold openid.")

# Messages name operations and counts; never a person, an id or an address with one in it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "carefund.unexpected_errors.LineFormatter"},
        "json": {"()": "carefund.unexpected_errors.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.choice("CAREFUND_LOG_FORMAT", "text", "json", default="text"),
        }
    },
    "root": {"handlers": ["console"], "level": env.str("CAREFUND_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR", "handlers": ["console"], "propagate": False},
        "django.server": {"level": "ERROR"},
        "authlib": {"level": "ERROR"},
        "axes": {"level": "ERROR"},
        "aiohttp.access": {"level": "ERROR"},
        "procrastinate": {"level": "ERROR"},
        "psycopg": {"level": "ERROR"},
    },
}
SECRET_FILES = env.secret_files  # by the setting that names each: others on this machine should not read them
SETTINGS_WITHOUT_TEXTS = dict(sorted(env.without_texts.items()))  # for `carefund doctor`
