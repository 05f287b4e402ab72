"""How the bureau works: one row of settings that an admin edits while the product runs."""

import re
from dataclasses import dataclass
from datetime import time
from types import MappingProxyType
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from db.base import Base
from db.scope import LINK_ROLES, Can, Role, shared_by_all
from db.texts import N_, ClaimError

THE_ONE = 1
# the roles of people who have a password
SIGN_IN_ROLES = frozenset(Role) - LINK_ROLES - {Role.SYSTEM}


@dataclass(frozen=True)
class City:
    """Where the bureau keeps Shabbat: the candles are lit so many minutes before its sunset."""

    label: str
    latitude: float
    longitude: float
    candles: int = 18


CITIES = MappingProxyType(
    {
        'tel_aviv': City(N_('Tel Aviv'), 32.0853, 34.7818),
        'jerusalem': City(N_('Jerusalem'), 31.778, 35.235, 40),
        'haifa': City(N_('Haifa'), 32.794, 34.9896, 30),
        'beer_sheva': City(N_("Be'er Sheva"), 31.2518, 34.7913),
        'petah_tikva': City(N_('Petah Tikva'), 32.0871, 34.8875, 40),
        'netanya': City(N_('Netanya'), 32.3215, 34.8532),
        'ashdod': City(N_('Ashdod'), 31.8044, 34.6553),
        'tiberias': City(N_('Tiberias'), 32.7922, 35.5312),
        'eilat': City(N_('Eilat'), 29.5577, 34.9519),
    }
)

# the least and the most an admin may say
_LIMITS = MappingProxyType(
    {
        'stage_cool_off_minutes': (0, 240),
        'alert_cool_off_minutes': (0, 240),
        'stuck_days': (1, 90),
        'stale_days': (1, 90),
        'link_days': (1, 365),
    }
)
_CLOCK = re.compile(r'(0[4-9]|1\d|2[0-3]):[0-5]\d')  # nothing runs while clocks may change


@shared_by_all
class BureauSettings(Base):
    """What the bureau decides for everybody. There is one row; the migration makes it."""

    __tablename__ = 'bureau_settings'
    writable_with: ClassVar[Can] = Can.ADMINISTER

    id: Mapped[int] = mapped_column(primary_key=True)
    hol_hamoed_works: Mapped[bool] = mapped_column(default=False)
    memorial_day_works: Mapped[bool] = mapped_column(default=True)
    city: Mapped[str] = mapped_column(default='tel_aviv')
    stage_cool_off_minutes: Mapped[int] = mapped_column(default=10)
    alert_cool_off_minutes: Mapped[int] = mapped_column(default=5)
    stuck_days: Mapped[int] = mapped_column(default=7)
    stale_days: Mapped[int] = mapped_column(default=1)
    link_days: Mapped[int] = mapped_column(default=30)
    digest_at: Mapped[str] = mapped_column(default='07:30')
    quiet_from: Mapped[str] = mapped_column(default='21:00')
    # who signs in in two steps, or sets it up at his next sign-in before anything else
    two_factor_roles: Mapped[list[str]] = mapped_column(default=list)

    @validates('city')
    def _city(self, _: str, city: str) -> str:
        if city not in CITIES:
            raise ClaimError(N_('This city is not in the list.'))
        return city

    @validates('two_factor_roles')
    def _roles(self, _: str, roles: list[str]) -> list[str]:
        if not set(roles) <= SIGN_IN_ROLES:
            raise ClaimError(N_('Please choose a value from the list.'))
        return roles

    @validates(*_LIMITS)
    def _number(self, name: str, number: Any) -> int:
        least, most = _LIMITS[name]
        if not isinstance(number, int) or not least <= number <= most:
            raise ClaimError(N_('A number from {least} to {most} is needed here.'), least=least, most=most)
        return number

    @validates('digest_at', 'quiet_from')
    def _clock(self, _: str, clock: str) -> str:
        if not _CLOCK.fullmatch(clock):
            raise ClaimError(N_('A time from 04:00 to 23:59 is needed here.'))
        return clock

    @property
    def morning(self) -> time:
        """When the working day begins for what goes out by mail."""
        return time.fromisoformat(self.digest_at)

    @property
    def evening(self) -> time:
        """When it ends: what comes later waits for the morning."""
        return time.fromisoformat(self.quiet_from)


# ---- questions --------------------------------------------------------------------------------------------------------------


# made once: asked along with almost everything
_SETTINGS = select(BureauSettings).where(BureauSettings.id == THE_ONE)


def bureau_settings(session: Session) -> BureauSettings:
    """What the bureau has decided."""
    return session.scalars(_SETTINGS).one()
