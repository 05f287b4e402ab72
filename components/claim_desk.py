"""Beside the claim: the silence meter for everybody who may see it, and the bureau's tasks for the bureau."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering, key_of
from components.live import current_actor, show_changes, work
from components.shared_words import calendar, people_known_to
from components.words import language, said_once, t
from components.work_desk import due_words, explained
from db import values
from db.base import now
from db.calendar import Calendar, calendar_of
from db.scope import Can
from db.session import fetch
from db.silence import Silence, silences_of, told_silence
from db.tasks import Task, TaskNote, add_task, complete, postpone, tasks_of

DONE_SHOWN = 3


@dataclass(frozen=True)
class Reading:
    """What the cards show of a claim."""

    silences: Sequence[Silence]
    tasks: Sequence[Task]
    people: Mapping[int, str]
    calendar: Calendar


def read(session: Any, claim_id: int) -> Reading:
    """Read anew; an agent gets no task."""
    return Reading(
        fetch(session, silences_of(claim_id)),
        fetch(session, tasks_of(claim_id)),
        people_known_to(session),
        calendar(session),
    )


class ClaimDesk(Element, component='claim_desk.js', dependencies=['set_aside.js']):
    """The two cards of one claim on one page, as the page reads them."""

    def __init__(self, claim_id: int, follow: Callable[[], Awaitable[None]]) -> None:
        """Draw the cards, empty until `show`; `follow` has the page read the claim anew."""
        super().__init__()
        self._actor, self._claim_id, self._follow = current_actor(), claim_id, follow
        self._open: Mapping[int, Task] = {}
        self._props.update(
            staff=self._actor.may(Can.EDIT_CLAIM), silences=[], tasks=[], today='', answer=None, words=_words(),
            keep=f'{self._actor.user_id}/{claim_id}/tasks',
        )  # fmt: skip
        self.on('act', self._act)

    def show(self, reading: Reading) -> None:
        """Show what was read; only what differs is sent."""
        today = values.israel(now()).date()
        self._open = {task.id: task for task in reading.tasks if task.is_open}
        done = [task for task in reading.tasks if not task.is_open and task.done_by][:DONE_SHOWN]
        silences = [row for row in reading.silences if self._props['staff'] or row.over_on is not None]
        shown = {
            'silences': [_silence(row, today) for row in silences],
            'tasks': [_task(task, reading, today) for task in [*self._open.values(), *done]],
            'today': today.isoformat(),
        }
        show_changes(self, shown)

    async def _act(self, event: GenericEventArguments) -> None:
        """What staff asked; refused, what was typed stays."""
        given = event.args if isinstance(event.args, dict) else {}
        act = str(given.get('act'))
        with answering(self, event.args) as answer:
            answer['act'] = act
            if act in _ORDERS:
                await work(_ORDERS[act], self, given)
                answer['message'] = ''
                await self._follow()

    def task_of(self, given: Mapping[str, Any]) -> int:
        """The task a browser means: one that stands open on this page, or none."""
        wanted = given.get('task')
        return wanted if type(wanted) is int and wanted in self._open else 0


def _add(session: Any, card: ClaimDesk, given: Mapping[str, Any]) -> None:
    due = values.day(str(given.get('day'))[:20])
    me = session.info['actor'].user_id
    note = TaskNote(str(given.get('title'))[:1000], due, me, shown=given.get('shown') is True)
    add_task(session, card._claim_id, note, now(), key=key_of(given))


def _done(session: Any, card: ClaimDesk, given: Mapping[str, Any]) -> None:
    complete(session, card.task_of(given), now())


def _tomorrow(session: Any, card: ClaimDesk, given: Mapping[str, Any]) -> None:
    """To the next business day."""
    moment = now()
    day = calendar_of(session).business_days_after(values.israel(moment).date(), 1).day
    postpone(session, card.task_of(given), day, moment)


_ORDERS = {'add': _add, 'done': _done, 'postpone': _tomorrow}


def _silence(row: Silence, today: date) -> dict[str, Any]:
    return {'party': row.party, 'text': told_silence(row, today, language()), 'over': row.is_over(today)}


def _task(task: Task, reading: Reading, today: date) -> dict[str, Any]:
    reader = language()
    tone = 'late' if task.due < today else 'now' if task.due == today else ''
    done = t('Done by {name}', name=task.done_by) if task.done_by else ''
    return {
        'id': task.id,
        'title': task.title,
        'open': task.is_open,
        'due': due_words(task.due, today, reader) if task.is_open else done,
        'tone': tone if task.is_open else '',
        'explained': explained(task, reading.calendar, reader),
        'who': (reading.people.get(task.user_id or 0, '') or t('The team')) if task.is_open else '',
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'silence': t('When we last heard'),
        'tasks': t('Tasks'),
        'none': t('Nothing is to be done here.'),
        'title': t('What is to be done'),
        'day': t('Until when'),
        'shown': t('Show to the agent as the next action'),
        'add': t('Add task'),
        'late': t('No answer came. Please try again: nothing is done twice.'),
        'going': t('No answer yet. What you wrote is still on its way; it will be kept only once.'),
        'done': t('Task is done'),
        'tomorrow': t('Next business day'),
    }
