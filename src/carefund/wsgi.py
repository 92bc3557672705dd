"""The application as a WSGI server sees it, ready for its first request."""

import os

from django.core.wsgi import get_wsgi_application

from carefund.console.warm_up import warm_up
from carefund.unexpected_errors import note_the_rest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")
os.umask(0o077)  # what this process makes is for its own account alone
note_the_rest()
application = get_wsgi_application()
warm_up()
