"""What the measures promise about themselves: their size, and when a goal counts as missed."""

import json
import sys

import pytest

from bench import __main__ as bench
from bench import figures
from bench.figures import Figure, Report, Size


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


@pytest.mark.parametrize(
    ('figure', 'told'),
    [
        (Figure('a', 3.0, 'ms', limit=2.0, times=3), ['a', '3', 'ms', '2', '1.50x', '<=3x', 'PASS']),
        (Figure('a', 12.5, 'MB', at_most=10), ['a', '12.5', 'MB', '-', '-', '<=10', 'FAIL']),
        (Figure('a', 9.0, 'us', 3.0, 10, 2), ['a', '9', 'us', '3', '3.00x', '<=2x', '<=10', 'FAIL']),
        (Figure('a', 1.0, 's'), ['a', '1', 's', '-', '-', '-', '-']),
    ],
)
def test_a_line_says_name_value_limit_ratio_goal_and_verdict(figure, told):
    assert figure.line().split() == told


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """A measure that finds one figure, beside its goal of 10 ms: whatever is put here."""
    monkeypatch.setenv('BENCH_SIZE', '5000')
    monkeypatch.setattr(figures, 'RESULTS', tmp_path / 'results')

    def measure(size):
        report = Report('made_up', size)
        report.add('one', found.pop(), 'ms', limit=4.0, at_most=10.0)
        report.save()
        return report

    found: list[float] = []
    monkeypatch.setattr(bench, 'MEASURES', {'made_up': measure})
    monkeypatch.setattr(sys, 'argv', ['bench', 'made_up'])
    return found


@pytest.mark.parametrize(('found', 'code', 'said'), [(10.0, 0, 'Every goal'), (10.5, 1, '1 goals missed')])
def test_a_missed_goal_is_told_kept_and_ends_with_one(measured, capsys, found, code, said):
    measured.append(found)
    assert bench.main() == code
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].startswith(said)
    kept = json.loads((figures.RESULTS / 'made_up-5000.json').read_text('utf-8'))
    assert (kept['measure'], kept['size']['claims'], kept['machine'].keys() >= {'cores'}) == ('made_up', 5000, True)
    (figure,) = kept['figures']
    told = {'name': 'one', 'value': found, 'unit': 'ms', 'limit': 4.0, 'at_most': 10.0, 'times': None}
    assert figure == told | {'ratio': found / 4, 'passed': not code}
    assert printed[-2] == Figure('one', found, 'ms', 4.0, 10.0).line()
