"""What the measures promise about themselves: their size, and when a goal counts as missed."""

import pytest

from bench.figures import Figure, Size


@pytest.mark.parametrize(('said', 'claims', 'slack'), [('small', 20_000, 2), ('full', 1_000_000, 1), ('5000', 5000, 1)])
def test_a_measure_is_as_big_as_one_says(monkeypatch, said, claims, slack):
    monkeypatch.setenv('BENCH_SIZE', said)
    size = Size.read()
    assert (size.claims, size.slack) == (claims, slack)
    assert size.offices >= 20


def test_a_goal_is_missed_by_its_ratio_or_by_itself():
    assert Figure('a', 3.0, 'ms', limit=1.0, times=3).passed
    assert Figure('a', 3.1, 'ms', limit=1.0, times=3).passed is False
    assert Figure('a', 2.0, 'ms', limit=1.0, times=3, at_most=1).passed is False
    assert Figure('a', 2.0, 'ms', limit=1.0).passed is None
