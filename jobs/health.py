"""Whether everything works, looked at from all sides: what `/readyz` says in one word, and the log by name."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from db import copies, files, schema, vitals
from db.log import clean
from db.settings import Settings
from jobs import access_seals, intake, schedule
from jobs.backup import FREE_PART

log = logging.getLogger(__name__)

# changes that nobody follows for so long are a fault
FOLLOWED_SECONDS = 60.0
# who asks again within this time hears the same: a look costs a turn of the writers, and strangers may ask
BELIEVED_SECONDS = 1.0


class Health:
    """The health of this process and of what it stands on."""

    def __init__(self, settings: Settings, more: Mapping[str, Callable[[], bool]] = MappingProxyType({})) -> None:
        """Nothing is looked at until somebody asks; `more` is what those above know of."""
        self._settings, self._more, self._leaving = settings, more, False
        self._lock, self._looked, self._faults = threading.Lock(), float('-inf'), tuple[str, ...]()
        self._followed, self._followed_at = -1, time.monotonic()

    def leave(self) -> None:
        """From now on nothing new shall come here."""
        self._leaving = True

    def faults(self) -> tuple[str, ...]:
        """The names of what does not work, none when all is well; called off the loop."""
        if self._leaving:
            return ('leaving',)
        with self._lock:
            if time.monotonic() - self._looked > BELIEVED_SECONDS:
                self._look()
            return self._faults

    def _look(self) -> None:
        checks: dict[str, Callable[[], bool]] = {
            'schema': lambda: schema.can_work(self._settings.database_url),
            'database': vitals.answers_readers,
            'writing': vitals.takes_writes,
            'disk': self._has_room,
            'documents': self._takes_files,
            'scanner': self._scans,
            'jobs': schedule.is_on_time,
            'alerts': self._follows,
            'seals': access_seals.is_sealed,
            **self._more,
        }
        told = {name: _told(check) for name, check in checks.items()}
        found = tuple(name for name, fault in told.items() if fault is not None)
        if found != self._faults:
            log.warning('not ready: %s', {name: told[name] for name in found}) if found else log.warning('ready again')
        self._faults, self._looked = found, time.monotonic()

    def _has_room(self) -> bool:
        incoming = files.store().incoming  # where documents are written first, and in a folder of documents stay
        places = [self._settings.data_dir, self._settings.backup_dir, incoming, incoming.parent]
        if copies.kind_of(self._settings.database_url) == 'sqlite':
            places.append(copies.path_of(self._settings.database_url).parent)
        return all(_free_part(place) >= FREE_PART for place in places if place.exists())

    def _takes_files(self) -> bool:
        files.store().check()
        return True

    def _scans(self) -> bool:
        return not self._settings.clamd_url or intake.scanner_answers(self._settings.clamd_url)

    def _follows(self) -> bool:
        waits, place = vitals.follower()
        if not waits or place != self._followed:
            self._followed, self._followed_at = place, time.monotonic()
        return time.monotonic() - self._followed_at < FOLLOWED_SECONDS


def _told(check: Callable[[], bool]) -> str | None:
    """Why a check fails; None when it holds."""
    try:
        return None if check() else 'no'
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is the answer
        return f'{type(fault).__name__}: {clean(str(fault), foreign=True)}'


def _free_part(place: Path) -> float:
    usage = shutil.disk_usage(place)
    return usage.free / usage.total
