"""The regulatory clocks of a claim: each says how it stands, explains itself, and prints its proof; staff set days the claim does not tell."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.clock_words import explained, standing
from components.words import said_once, t
from db import texts, values
from db.clocks import BY_HAND, NOT_STARTED, OF_THE_CLAIM, Clock, SaidDay
from db.clocks import EVENTS as HAPPENINGS

_LONGEST = 300
Setter = Callable[[SaidDay], Awaitable[None]]


class ClocksCard(Element, component='clocks_card.js'):
    """The card; not there for a claim without clocks."""

    def __init__(self, claim_no: str, set_day: Setter | None) -> None:
        """`set_day` keeps what staff say of a day; without it one only reads."""
        super().__init__()
        self._address = f'/claims/{quote(claim_no, safe="")}/clocks/'
        self._set_day = set_day
        self._props.update(clocks=[], waiting='', staff=set_day is not None, answer=None, words=_words())
        self.on('set', self._set)

    def show(self, clocks: Sequence[Clock], reader: str, *, is_open: bool = True) -> None:
        """Show these; only what differs is sent. Of a closed claim those that began: nothing else will begin any more."""
        mine = [clock for clock in clocks if self._concerns(clock) and (is_open or clock.state != NOT_STARTED)]
        ordered = sorted(mine, key=lambda clock: clock.state == NOT_STARTED)
        shown = [self._line(clock, reader) for clock in ordered]
        if shown != self._props['clocks']:
            self._props['clocks'] = shown
            idle = sum(not line['started'] for line in shown)
            # one line for all of them: what has not started is rarely asked for
            self._props['waiting'] = (
                texts.tn('{n} clock has not started', '{n} clocks have not started', idle, reader) if idle else ''
            )
            self.update()

    def _concerns(self, clock: Clock) -> bool:
        """A request nobody has sent is the bureau's affair."""
        return self._set_day is not None or clock.state != NOT_STARTED or clock.rule.starts_with not in BY_HAND

    def _line(self, clock: Clock, reader: str) -> dict[str, Any]:
        hue, state = standing(clock, reader)
        return {
            'id': clock.rule.id,
            'label': clock.rule.label_in(reader),
            'rule': clock.rule.rule_in(reader),
            'source': clock.rule.source,
            'hue': hue,
            'state': state,
            'started': clock.state != NOT_STARTED,
            'lines': explained(clock, reader),
            'proof': self._address + clock.rule.id if clock.state != NOT_STARTED else '',
            'days': _days(clock, reader) if self._set_day is not None else [],
        }

    async def _set(self, event: GenericEventArguments) -> None:
        """Keep a day; what is wrong with it stands beside what was typed."""
        sent = event.args if isinstance(event.args, Mapping) else {}
        about, seen, day, reason = (str(sent.get(name) or '')[:_LONGEST] for name in ('about', 'seen', 'day', 'reason'))
        with answering(self, event.args) as answer:
            if self._set_day is not None:
                await self._set_day(SaidDay(about, _day(seen), _day(day), reason))
                answer['message'] = ''


def _day(typed: str) -> date | None:
    return values.day(typed) if typed else None


def _days(clock: Clock, reader: str) -> list[dict[str, str]]:
    """The days of a clock that staff may set."""
    told = {clock.rule.starts_with: clock.start, clock.rule.ends_with: clock.end}
    return [
        {
            'about': about,
            'label': texts.t(HAPPENINGS[about], reader),
            'day': day.isoformat() if day else '',
            'seen': day.isoformat() if day and about in clock.by_hand else '',
            'reason': clock.by_hand.get(about, ''),
        }
        for about, day in told.items()
        if about and about not in OF_THE_CLAIM
    ]


@said_once
def _words() -> dict[str, str]:
    return {
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'title': t('Regulatory clocks'),
        'proof': t('Printable proof'),
        'set': t('Set a day'),
        'what': t('What happened'),
        'day': t('Day'),
        'reason': t('How it is known'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'prima': t('The days are computed from what stands in the claim.'),
    }
