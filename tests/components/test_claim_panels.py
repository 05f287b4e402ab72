"""What stands around the sections: whether somebody looked today, and whether that still holds."""

from datetime import timedelta

import pytest

from components.claim_panels import daily_explained
from tests.components.conftest import NOON, make


@pytest.mark.parametrize(
    ('checked', 'updated', 'told'),
    [
        (timedelta(), timedelta(days=3), 'נבדק היום'),
        (timedelta(hours=1), timedelta(hours=1), 'נבדק היום'),
        (timedelta(hours=1), timedelta(), ''),
        (timedelta(days=1), timedelta(days=2), 'אתמול'),
    ],
)
def test_checked_without_change_is_said_as_long_as_nothing_changed(checked, updated, told):
    claim = make(checked_at=NOON - checked, checked_by='שירה', updated_at=NOON - updated, daily_note='')
    fresh = daily_explained(claim, NOON + timedelta(minutes=1), 'he')['fresh']
    assert told in fresh
    assert bool(told) == bool(fresh)
