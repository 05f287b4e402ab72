"""A screen of the administration has every part, or it is none."""

import pytest

from components.admin_list import AdminList


def test_a_screen_that_forgets_a_part_cannot_be_drawn():
    parts = ('load', 'form_of', 'save', 'act')
    for forgotten in parts:
        whole = {part: _done for part in parts if part != forgotten}
        with pytest.raises(TypeError, match=f'abstract method {forgotten}'):
            type('Screen', (AdminList,), whole)(title='', hint='', add='', searched=False, ordered=False)


async def _done(*_: object) -> None:
    """A part that is there."""
