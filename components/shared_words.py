"""What things and people are called, read once for all pages: asking, and keeping a copy, for each page would be much of what a page costs."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

from db import lists, offices
from db import reference as reference_rows
from db.calendar import Calendar, calendar_of
from db.doorbell import Notice, on_notice
from db.lists import FilterChoices
from db.reference import Reference
from db.scope import Actor, Unscoped
from db.session import open_session

T = TypeVar('T')
# more audiences than are online at once
MOST = 500


class _Kept(NamedTuple):
    """What was read of one database since anything was last called differently."""

    turn: int
    database: object
    answers: dict[Hashable, Any]


class _Shared:
    """How often anything was called differently since the start, and what was read since."""

    listening = False
    turns = 0
    kept = _Kept(-1, None, {})


def reference(session: Any) -> Reference:
    """As `db.reference.reference`, but the same rows for the whole bureau, and for all others: nobody changes them.

    Forms that add rows ask for themselves.
    """
    actor: Actor = session.info['actor']
    if actor.is_bureau:
        return _shared(session, reference_rows.reference, Actor.system('words'), 'bureau')
    return _shared(session, reference_rows.reference, actor, 'offices')


def calendar(session: Any) -> Calendar:
    """As `calendar_of`, the same for everybody."""
    return _shared(session, calendar_of, Actor.system('words'), 'everybody')


def people_known_to(session: Any) -> Mapping[int, str]:
    """As `names_of_people`, the same for everybody of an office and for the whole bureau. Nobody changes it."""
    return _shared(session, offices.names_of_people, *_colleagues(session))


def choices_for(session: Any) -> FilterChoices:
    """As `filter_choices`, the same for everybody of an office and for the whole bureau."""
    return _shared(session, lists.filter_choices, *_colleagues(session))


def worded(session: Any, question: Callable[[Any], T]) -> T:
    """The answer to a question about names and words alone, the same for everybody of an office, or of the bureau, who reads one language."""
    actor, audience = _colleagues(session)
    return _shared(session, question, actor, (audience, actor.language))


def _colleagues(session: Any) -> tuple[Actor, Hashable]:
    """Who asks, and for whom else the answer is the same: sessions of people narrow names by the office and by nothing else."""
    actor: Actor = session.info['actor']
    if actor.claim_id is not None:
        raise Unscoped('whoever comes by a link knows no names')
    return actor, ('bureau' if actor.is_bureau else actor.office_id)


def _shared(session: Any, question: Callable[[Any], T], reader: Actor, audience: Hashable) -> T:
    if not _Shared.listening:
        return question(session)
    turn, database, kept = _Shared.turns, session.get_bind().pool, _Shared.kept
    if kept[:2] != (turn, database) or len(kept.answers) > MOST:
        kept = _Shared.kept = _Kept(turn, database, {})
    key = question, audience
    if key not in kept.answers:
        # in a session of its own: the asker's may have begun before the last change, and must not be what all see from now on
        with open_session(reader, reading=True) as fresh:
            kept.answers[key] = question(fresh)
    answer: T = kept.answers[key]
    return answer


def _hear(notice: Notice) -> None:
    if notice.kind == 'words':
        _Shared.turns += 1


def start() -> Callable[[], None]:
    """Share from now on. NOTE: before the pages are rung, so that whoever is rung reads what is new; returns the way out."""
    stop_hearing = on_notice(_hear)
    _Shared.listening, _Shared.kept = True, _Kept(-1, None, {})

    def stop() -> None:
        stop_hearing()
        _Shared.listening, _Shared.kept = False, _Kept(-1, None, {})

    return stop
