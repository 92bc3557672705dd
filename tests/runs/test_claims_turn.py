"""Claims are tended by whichever process looks first, once per quarter of an hour."""

from datetime import timedelta

import pytest
from django.utils import timezone

from carefund.records.models import OrganisationSetting
from carefund.runs import claims

pytestmark = pytest.mark.django_db


def test_claims_are_tended_once_per_quarter_of_an_hour():
    assert not claims._take_turn()
    OrganisationSetting.objects.filter(key="claims tended").update(changed_at=timezone.now() - timedelta(minutes=16))
    assert claims._take_turn()
    assert not claims._take_turn()
