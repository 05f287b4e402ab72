"""A brake in memory: how often somebody may do something within some seconds. A restart forgives, and each process counts by itself."""

import time
from collections import defaultdict, deque
from math import ceil


class Brake:
    """So many times within so many seconds, whoever it is counted for."""

    def __init__(self, most: int, seconds: float) -> None:
        """`most` times within `seconds`."""
        self.most, self.seconds = most, seconds
        self.moments: defaultdict[str, deque[float]] = defaultdict(deque)

    def is_on(self, who: str) -> bool:
        """Whether that was too often."""
        return len(self._recent(who)) >= self.most

    def seconds_left(self, who: str) -> int:
        """In how many seconds the next time may be; 0 when it may be now."""
        moments = self._recent(who)
        if len(moments) < self.most:
            return 0
        return max(1, ceil(moments[-self.most] + self.seconds - time.monotonic()))

    def count(self, who: str) -> None:
        """It was done once more."""
        if len(self.moments) > 20_000:
            self.moments.clear()
        self.moments[who].append(time.monotonic())

    def _recent(self, who: str) -> deque[float]:
        moments = self.moments.get(who, deque())
        while moments and time.monotonic() - moments[0] > self.seconds:
            moments.popleft()
        return moments
