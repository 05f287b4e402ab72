"""`python -m bench [MEASURE …]`: run the measures; ends with 1 when a goal is missed."""

import argparse
import sys
from collections.abc import Callable, Mapping

from bench import backup, crowd, excel, first, instances, leaving, lists, live, push, sweeps, uploads, wakes
from bench.figures import Report, Size

MEASURES: Mapping[str, Callable[[Size], Report]] = {
    'live': live.measure,
    'push': push.measure,
    'crowd': crowd.measure,
    'first': first.measure,
    'lists': lists.measure,
    'uploads': uploads.measure,
    'backup': backup.measure,
    'sweeps': sweeps.measure,
    'excel': excel.measure,
    'wakes': wakes.measure,
    'instances': instances.measure,
    'leaving': leaving.measure,
}


def main() -> int:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog='python -m bench', description=__doc__)
    parser.add_argument('measures', nargs='*', metavar='|'.join(MEASURES), help='all of them when none is named')
    wanted = parser.parse_args().measures or list(MEASURES)
    if unknown := set(wanted) - MEASURES.keys():
        parser.error(f'no such measure: {", ".join(sorted(unknown))}')
    size = Size.read()
    reports = [MEASURES[name](size) for name in wanted]
    missed = [figure.name for report in reports for figure in report.figures if figure.passed is False]
    print(f'{len(missed)} goals missed.' if missed else 'Every goal is reached.')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
