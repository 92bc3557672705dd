"""One at a time: whoever holds a turn is alone with it, in every process, until the transaction ends.

For what no row stands for by itself: the rates as a whole, the calls of an hour, the clock.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from carefund.records.models import OrganisationSetting


@contextmanager
def one_at_a_time(key: str) -> Iterator[None]:
    """Hold the row of the organisation's setting with this key, made empty if it is missing, in a transaction."""
    OrganisationSetting.objects.get_or_create(key=key, defaults={"value": ""})
    with transaction.atomic():
        OrganisationSetting.objects.select_for_update().get(key=key)
        yield
