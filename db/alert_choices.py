"""What a person chose to hear of: event by event on each channel, and claim by claim."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import ClassVar

from sqlalchemy import ColumnElement, ForeignKey, Index, and_, bindparam, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from db import values
from db.alert_kinds import CHANNELS, EVENTS, GROUPS, by_default, events_in, is_locked
from db.base import Base, BigKey, take_turns
from db.calendar import Calendar
from db.claims import Claim
from db.offices import AgentOffice, User
from db.prepared import one_answer
from db.scope import Actor, Can, ClaimPart, PersonOwned, Role, claim_key
from db.texts import N_, ClaimError

# for how long one may put a claim aside; a day of one's own choice is given as such
PAUSES: Mapping[str, timedelta] = MappingProxyType(
    {'day': timedelta(days=1), 'days3': timedelta(days=3), 'week': timedelta(weeks=1)}
)
PAUSE_AT_MOST = timedelta(days=366)


class AlertChoice(PersonOwned, Base):
    """That a person wants to hear of an event on a channel, or not, other than people usually do."""

    __tablename__ = 'alert_choices'
    writable_with: ClassVar[Can] = Can.FOLLOW

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]


class ClaimWatch(ClaimPart, PersonOwned, Base):
    """How closely a person watches one claim: not at all, though it is another's, or not before some morning."""

    __tablename__ = 'claim_watches'
    __table_args__ = (claim_key(), Index('ix_claim_watches_claim', 'claim_id'))
    writable_with: ClassVar[Can] = Can.FOLLOW

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    claim_id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    muted: Mapped[bool] = mapped_column(default=False)
    follows: Mapped[bool] = mapped_column(default=False)
    snoozed_until: Mapped[datetime | None]

    def pause_at(self, now: datetime) -> datetime | None:
        """Until when the claim is put aside; None when it is not."""
        return self.snoozed_until if self.snoozed_until and self.snoozed_until > now else None


# made once: every change asks these
_CHOICES = select(AlertChoice).where(
    AlertChoice.user_id.in_(bindparam('people', expanding=True)),
    AlertChoice.event.in_(bindparam('events', expanding=True)),
)
_WATCHES = select(ClaimWatch).where(ClaimWatch.claim_id.in_(bindparam('claims', expanding=True)))


@dataclass(frozen=True)
class Choices:
    """What some people chose about some events."""

    kept: Mapping[tuple[int, str, str], bool]

    def wants(self, user_id: int, event: str, channel: str) -> bool:
        """Whether he hears of the event on the channel."""
        if is_locked(event, channel):
            return True
        return self.kept.get((user_id, event, channel), by_default(event, channel))

    def hears(self, user_id: int, event: str) -> bool:
        """Whether he hears of the event at all."""
        return any(self.wants(user_id, event, channel) for channel in CHANNELS)


@dataclass(frozen=True)
class Choice:
    """A line of a person's choices: an event, and of each channel whether it is on and whether it must be."""

    event: str
    on: Mapping[str, bool]
    locked: Mapping[str, bool]


# ---- questions --------------------------------------------------------------------------------------------------------------


def choices_of(session: Session, people: Collection[int], events: Collection[str] = tuple(EVENTS)) -> Choices:
    """What these people chose about these events, as far as the asker may know."""
    found = session.scalars(_CHOICES, {'people': list(people), 'events': list(events)})
    return Choices({(row.user_id, row.event, row.channel): row.wanted for row in found})


def wants(session: Session, user_id: int, event: str, channel: str) -> bool:
    """Whether a person hears of an event on a channel."""
    return choices_of(session, [user_id], [event]).wants(user_id, event, channel)


def my_choices(session: Session) -> dict[str, list[Choice]]:
    """All choices of the acting person, by group of the catalogue."""
    me = _me(session)
    mine = choices_of(session, [me])
    return {group: [_choice(mine, me, event) for event in events_in(group)] for group in GROUPS}


def _choice(mine: Choices, me: int, event: str) -> Choice:
    on = {channel: mine.wants(me, event, channel) for channel in CHANNELS}
    return Choice(event, on, {channel: is_locked(event, channel) for channel in CHANNELS})


def wanted_on(
    channel: str, user_id: InstrumentedAttribute[int], event: InstrumentedAttribute[str]
) -> ColumnElement[bool]:
    """A condition on a row of a person and an event: he hears of it on the channel."""
    usual = event.in_([name for name in EVENTS if by_default(name, channel)])
    chosen = select(AlertChoice).where(
        AlertChoice.user_id == user_id, AlertChoice.event == event, AlertChoice.channel == channel
    )
    locked = event.in_([name for name in EVENTS if is_locked(name, channel)])
    on, off = (chosen.where(AlertChoice.wanted.is_(value)).exists() for value in (True, False))
    return or_(locked, on, and_(usual, ~off))


def watch_of(session: Session, claim_id: int) -> ClaimWatch | None:
    """How closely the acting person watches a claim; None: as people usually do, and so most watch most."""
    if one_answer(session, _WATCHED, me=_me(session), claim=claim_id) is None:
        return None
    return session.get(ClaimWatch, (_me(session), claim_id))


_WATCHED = select(ClaimWatch.claim_id).where(
    ClaimWatch.user_id == bindparam('me'), ClaimWatch.claim_id == bindparam('claim')
)


def watches_of(session: Session, claims: Iterable[int]) -> dict[int, dict[int, ClaimWatch]]:
    """Of each of these claims, how closely people watch it who said so."""
    watches: dict[int, dict[int, ClaimWatch]] = {claim_id: {} for claim_id in claims}
    for watch in session.scalars(_WATCHES, {'claims': list(watches)}):
        watches[watch.claim_id][watch.user_id] = watch
    return watches


def hears_of_claim(*, always: bool = False) -> ColumnElement[bool]:
    """A condition on people (beside their office) and claims: the claim's news concern him.

    People of its office who may see it, unless they asked for their own claims only and follow it not; its handler, and who of
    the bureau follows it. `always`: whatever he asked for.
    """
    follows = select(ClaimWatch.user_id).where(
        ClaimWatch.user_id == User.id, ClaimWatch.claim_id == Claim.id, ClaimWatch.follows
    )
    sees_it = or_(User.role != Role.AGENT.value, AgentOffice.agents_see_own_only.is_(False), User.id == Claim.agent)
    is_his = or_(User.only_own_alerts.is_(False), Claim.agent.is_(None), User.id == Claim.agent, follows.exists())
    of_office = and_(User.office_id == Claim.office_id, sees_it, *(() if always else (is_his,)))
    of_bureau = and_(User.office_id.is_(None), or_(User.id == Claim.handler, follows.exists()))
    return and_(User.active, or_(of_office, of_bureau))


def back_on(calendar: Calendar, pause: str, now: datetime) -> datetime:
    """When a claim that is put aside comes back: on the morning of the working day. `pause` is one of PAUSES, or a day."""
    today = values.israel(now).date()
    day = today + PAUSES[pause] if pause in PAUSES else _day(pause)
    if day <= today or day - today > PAUSE_AT_MOST:
        raise ClaimError(N_('Please choose a day from tomorrow on, within a year.'))
    morning = calendar.next_business_day(day).day
    return datetime.combine(morning, calendar.morning, tzinfo=values.ISRAEL)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ClaimError(N_('Please choose a day from tomorrow on, within a year.')) from None


def _me(session: Session) -> int:
    actor: Actor = session.info['actor']
    actor.need(Can.FOLLOW)
    if actor.user_id is None:
        raise ClaimError(N_('You are not allowed to do this. Ask the bureau if you need it.'))
    return actor.user_id


# ---- orders -----------------------------------------------------------------------------------------------------------------


def choose(session: Session, event: str, channel: str, wanted: bool) -> None:
    """Hear of an event on a channel from now on, or not. What must not be missed cannot be switched off."""
    me = _me(session)
    if event not in EVENTS or channel not in CHANNELS:
        raise LookupError(f'{event}, {channel}: not in the catalogue of alerts')
    if is_locked(event, channel) and not wanted:
        raise ClaimError(N_('This alert cannot be switched off.'))
    take_turns(session, f'choices {me}')
    kept = session.get(AlertChoice, (me, event, channel))
    if kept is not None:
        kept.wanted = wanted
    elif wanted != by_default(event, channel):
        session.add(AlertChoice(user_id=me, event=event, channel=channel, wanted=wanted))


def choose_claims(session: Session, *, only_own: bool) -> None:
    """Be alerted of one's own claims and those one follows only, or of all that one may see."""
    session.get_one(User, _me(session)).only_own_alerts = only_own


def follow(session: Session, claim_id: int, *, follows: bool = True) -> ClaimWatch:
    """Hear of a claim although it is somebody else's, or no longer."""
    watch = own_watch(session, claim_id)
    watch.follows = follows
    watch.muted = watch.muted and not follows
    return watch


def own_watch(session: Session, claim_id: int) -> ClaimWatch:
    """The acting person's watch over a claim, made when there is none; he may be there in two windows at once."""
    me = _me(session)
    claim = session.get_one(Claim, claim_id)
    take_turns(session, f'watch {me} {claim_id}')
    watch = session.get(ClaimWatch, (me, claim_id))
    if watch is None:
        watch = ClaimWatch(user_id=me, claim_id=claim_id, office_id=claim.office_id, muted=False, follows=False)
        session.add(watch)
    return watch
