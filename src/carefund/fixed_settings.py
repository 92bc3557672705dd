"""What Django is told in every installation alike. What an installation can decide is in settings.py."""

from django.contrib.messages import constants as message_levels

USE_TZ = True
LANGUAGE_CODE = "en-au"
USE_I18N = False
ROOT_URLCONF = "carefund.urls"
ASGI_APPLICATION = "carefund.asgi.application"
WSGI_APPLICATION = "carefund.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "carefund.records",
    "carefund.runs",
    "carefund.access",
    "carefund.console",
]
MIDDLEWARE = [
    "carefund.access.middleware.Correlate",
    "carefund.access.middleware.TrustProxies",
    "carefund.unexpected_errors.NoteStreams",
    "carefund.rest.middleware.OneShape",
    "carefund.rest.middleware.NoteUses",
    "carefund.rest.middleware.AnswerChanged",
    "carefund.rest.probes.AnswerProbes",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "carefund.access.sessions.EndIdleSessions",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "carefund.access.middleware.RefuseLargeOfStrangers",
    "carefund.access.middleware.RefuseNul",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "carefund.console.context_processors.console",
            ],
            "builtins": [
                "carefund.console.templatetags.badges",
                "carefund.console.templatetags.formatting",
                "carefund.console.templatetags.marks",
                "carefund.console.templatetags.page_links",
            ],
        },
    }
]
STATIC_URL = "static/"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# Bytes of a request. The largest file is one of invoices; an invoice of 9,999 lines with every field full is a call.
LARGEST_BODY = 66 * 2**20
LARGEST_FORM_OF_STRANGERS = 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # ticks of a long list

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "carefund.access.directory.LocalAccounts",
    "carefund.access.directory.DirectoryAccounts",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "carefund.access.passwords.NotOfOwnWords"},
    {"NAME": "carefund.access.passwords.NotBreached"},
    {"NAME": "carefund.access.tokens.TokensEndWithPassword"},
]
MESSAGE_TAGS = {message_levels.SUCCESS: "good", message_levels.WARNING: "warn", message_levels.ERROR: "bad"}
LOGIN_URL = "console:sign-in"
LOGIN_REDIRECT_URL = "console:home"
LOGOUT_REDIRECT_URL = "console:sign-in"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"  # a client's address holds an id; no other site shall see it
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
# Counted by account and address, so that a stranger elsewhere locks nobody out; a browser that is known counts apart.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "carefund.access.failed_attempts.find_address"
AXES_USERNAME_CALLABLE = "carefund.access.failed_attempts.name_attempt"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "console/locked_out.html"
OTP_TOTP_ISSUER = "Carefund"
