"""An upgrade in a nutshell: settings under which answers are understood that were not understood before."""

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.test.utils import override_settings


def spelled(**members: tuple[str, ...]) -> Any:
    """Settings under which these members, Type__member=names, have further names."""
    spellings = {name.replace("__", "."): names for name, names in members.items()}
    return override_settings(SERVICES_AUSTRALIA=replace(settings.SERVICES_AUSTRALIA, spellings=spellings))
