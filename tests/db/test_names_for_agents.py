"""Two names for a status: the bureau reads its own, everybody else the one that is meant for agents."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from db.base import now
from db.claims import Claim, change_status
from db.list_counts import choices_counted
from db.list_state import ListState
from db.list_words import filter_names, filters_in_words
from db.lists import page_of
from db.message_templates import MessageTemplate, filled_template
from db.messages import ThreadKey
from db.reference import ClaimStatus, reference
from db.report_state import ReportState
from db.reports import figures_of
from db.scope import Actor, Role
from db.session import open_session
from tests.conftest import People
from tests.factories import SYSTEM, make_claim

STATUS, OURS, THEIRS = 'under_insurer_review', 'ממתין לאישור מנהל מחלקה', 'בבדיקת המבטח'
INTERNAL = 'Waits for the head of department'


@pytest.fixture(autouse=True)
def two_names(people: People) -> None:
    with open_session(people.admin) as session:
        status = session.get_one(ClaimStatus, STATUS)
        status.label, status.label_office = OURS, THEIRS


@pytest.fixture
def claim(people: People) -> Claim:
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    with open_session(people.staff) as session:
        return change_status(session, claim.id, STATUS, '', 'new', now())


def called(actor: Actor, language: str = 'he') -> set[str]:
    """By whatever question it is read."""
    with open_session(actor, reading=True) as session:
        found = {reference(session).statuses[STATUS].label_in(language)}
    with open_session(actor, reading=True) as session:
        found.add(session.get_one(ClaimStatus, STATUS).label_in(language))
    with open_session(actor, reading=True) as session:
        _, status = session.execute(select(ClaimStatus.id, ClaimStatus).where(ClaimStatus.id == STATUS)).one()
        return {*found, status.label_in(language)}


def test_who_is_not_of_the_bureau_reads_the_name_for_agents(people: People, claim: Claim):
    for actor in (people.staff, people.admin, SYSTEM):
        assert called(actor) == {OURS}, actor.name
    insured = Actor(None, 'המבוטח', Role.INSURED, office_id=claim.office_id, claim_id=claim.id)
    for actor in (people.dana, people.manager, people.rival, replace(people.dana, looker=people.staff), insured):
        assert called(actor) == {THEIRS}, actor.name


@pytest.mark.parametrize(
    ('hebrew', 'english', 'read_in_hebrew', 'read_in_english'),
    [
        ('', '', OURS, INTERNAL),
        (THEIRS, '', THEIRS, THEIRS),
        ('', 'With the insurer', 'With the insurer', 'With the insurer'),
        (THEIRS, 'With the insurer', THEIRS, 'With the insurer'),
    ],
)
def test_a_name_for_agents_in_one_language_keeps_the_bureaus_from_them_in_both(
    people: People, hebrew: str, english: str, read_in_hebrew: str, read_in_english: str
):
    with open_session(people.admin) as session:
        status = session.get_one(ClaimStatus, STATUS)
        status.label_en, status.label_office, status.label_office_en = INTERNAL, hebrew, english
    assert (called(people.dana), called(people.dana, 'en')) == ({read_in_hebrew}, {read_in_english})
    assert (called(people.staff), called(people.staff, 'en')) == ({OURS}, {INTERNAL})


def test_two_statuses_of_one_name_are_one_to_who_reads_it(people: People):
    with open_session(people.admin) as session:
        session.get_one(ClaimStatus, 'submitted').label_office = THEIRS
    claims = [make_claim(people.levi, people.staff, status=status) for status in ('new', STATUS, 'submitted')]
    for actor, shown in ((people.manager, [THEIRS]), (people.staff, ['הוגשה לחברת הביטוח', OURS])):
        with open_session(actor, reading=True) as session:
            told = figures_of(session, ReportState.read({}), date(2026, 11, 23)).statuses
            bars = [line for line in told if line.key != 'new']
            assert [line.name for line in bars] == shown
            behind = [page_of(session, line.figures['open'].behind).total for line in bars]
            assert behind == [line.figures['open'].claims for line in bars]
            assert sum(behind) == len(claims) - 1
            state = ListState(view='all', status=('submitted', STATUS))
            assert filters_in_words(session, state, 'he') == [f'סטטוס: {", ".join(shown)}']
            counted = choices_counted(session, ListState(view='all'), 'status', [f'submitted,{STATUS}', 'new'])
            assert counted == {f'submitted,{STATUS}': 2, 'new': 1}


def test_filters_say_it_as_their_reader_does(people: People):
    said = {}
    for actor in (people.dana, people.staff):
        with open_session(actor, reading=True) as session:
            state = ListState(status=(STATUS,))
            said[actor] = filters_in_words(session, state, 'he', filter_names(session, 'he'))
    assert THEIRS in str(said[people.dana])
    assert OURS not in str(said[people.dana])
    assert OURS in str(said[people.staff])


def test_nothing_is_found_by_what_a_status_is_called(people: People, claim: Claim):
    for actor in (people.dana, people.staff):
        with open_session(actor, reading=True) as session:
            for words in (OURS, THEIRS, 'מנהל מחלקה'):
                assert page_of(session, ListState(view='all', q=words)).total == 0
            assert page_of(session, ListState(view='all', q=claim.claim_no)).total == 1


def test_what_the_bureau_writes_to_others_has_their_name(people: People, claim: Claim):
    with open_session(people.admin) as session:
        session.get_one(MessageTemplate, 'thanks').body = 'סטטוס: {status}'
    with open_session(people.staff, reading=True) as session:
        assert filled_template(session, 'thanks', ThreadKey(claim.office_id, claim.id)) == f'סטטוס: {THEIRS}'
