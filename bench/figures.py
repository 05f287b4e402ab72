"""What a measure finds: figures beside their limits and goals, printed as they come and kept as JSON."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

RESULTS = Path(__file__).parent / 'results'
MILLION = 1_000_000


def p95(found: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(found, n=20)[18] if len(found) > 1 else found[0]


def seconds_of(work: Callable[[], Any]) -> float:
    """How long something takes, by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Size:
    """How big a measure is; a small one runs in minutes, on machines that do other things too, and forgives twice as much."""

    name: str
    pages: int
    claims: int
    offices: int
    rounds: int
    slack: float

    @classmethod
    def read(cls) -> Self:
        """From BENCH_SIZE: `small` (the default), `full`, or a number of claims."""
        wanted = os.environ.get('BENCH_SIZE', 'small')
        if wanted == 'small':
            return cls('small', pages=50, claims=20_000, offices=40, rounds=5, slack=2.0)
        claims = MILLION if wanted == 'full' else int(wanted)
        return cls(wanted, pages=200, claims=claims, offices=max(20, claims // 500), rounds=5, slack=1.0)


@dataclass(frozen=True)
class Figure:
    """One line. `limit` is what the same run measured for the thing compared with; a goal is absolute, a ratio, or both."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_most: float | None = None
    times: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value in units of its limit."""
        return self.value / self.limit if self.limit else None

    @property
    def passed(self) -> bool | None:
        """Whether the goal is reached; None when there is none."""
        if self.at_most is None and self.times is None:
            return None
        kept = self.at_most is None or self.value <= self.at_most
        return kept and (self.times is None or (self.ratio or 0.0) <= self.times)

    def line(self) -> str:
        """As it is printed."""
        limit = '-' if self.limit is None else f'{self.limit:.4g}'
        ratio = '-' if self.ratio is None else f'{self.ratio:.2f}x'
        goals = [f'<={self.times:g}x'] if self.times is not None else []
        goals += [f'<={self.at_most:g}'] if self.at_most is not None else []
        verdict = {True: 'PASS', False: 'FAIL', None: '-'}[self.passed]
        value = f'{self.value:.4g} {self.unit}'
        return f'{self.name:<72} {value:>11} {limit:>8} {ratio:>8}  {" ".join(goals) or "-":<16} {verdict}'


@dataclass
class Report:
    """Everything one measure found."""

    measure: str
    size: Size
    figures: list[Figure] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Print the head of the table."""
        print(f'\n{self.measure}, {self.size.name}: {os.cpu_count()} cores, Python {platform.python_version()}')
        print(f'{"name":<72} {"value":>11} {"limit":>8} {"ratio":>8}  {"goal":<16}', flush=True)

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        limit: float | None = None,
        at_most: float | None = None,
        times: float | None = None,
    ) -> None:
        """Keep and print a figure; goals are given as they are on a quiet machine at full size."""
        slack = self.size.slack
        loosened = [None if goal is None else goal * slack for goal in (at_most, times)]
        figure = Figure(name, value, unit, limit, *loosened)
        self.figures.append(figure)
        print(figure.line(), flush=True)

    def save(self) -> None:
        """Write everything to bench/results/."""
        RESULTS.mkdir(exist_ok=True)
        kept = {
            'measure': self.measure,
            'size': asdict(self.size),
            'machine': {
                'cores': os.cpu_count(),
                'python': platform.python_version(),
                'system': platform.platform(),
            },
            'figures': [{**asdict(one), 'ratio': one.ratio, 'passed': one.passed} for one in self.figures],
            'raw': self.raw,
        }
        path = RESULTS / f'{self.measure}-{self.size.name}.json'
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1), 'utf-8')
