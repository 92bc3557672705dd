"""The application as a WSGI server sees it, ready for its first request."""

import os

from django.core.wsgi import get_wsgi_application

from carefund.console.warm_up import warm_up

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")
application = get_wsgi_application()
warm_up()
