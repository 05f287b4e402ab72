"""Identity numbers behind a mask: whoever need not know them is told the last digits, however he asks; whoever writes needs the whole."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import String, cast, desc, func, select

from db import access_log, lists, masks, reveals
from db.access_log import NUMBER, Asked
from db.alerts import Alert, alert_groups
from db.base import Base, now
from db.changes import Change, history_of
from db.claims import FIELDS, RIGHTS, Claim, doubt_of, fields_for, open_claim, save_fields
from db.list_counts import count_of, counts_of
from db.list_state import ListState
from db.masks import ID_NUMBERS, IdNumber, is_masked, masked
from db.prepared import answers
from db.record_seals import chains, seal_next
from db.sanity import DoubtAnswer, confirm_doubt, doubts_of, open_doubts
from db.scope import LINK_ROLES, ROLE_CAN, Actor, Can, Role, Unscoped
from db.search import ClaimSearch
from db.session import Database, fetch, open_session
from db.texts import ClaimError, Told
from tests.conftest import People, made_once
from tests.factories import SYSTEM, make_claim, make_office, make_user

NUMBERS = {'insured_id_no': '123456782', 'driver_id_no': '316789453', 'tp_driver_id_no': 'AB654321'}
LEFT = {'insured_id_no': '6782', 'driver_id_no': '9453', 'tp_driver_id_no': '4321'}
HIDDEN = {name: masked(number) for name, number in NUMBERS.items()}


@made_once
def claim(people: People) -> Claim:
    """A claim with all three numbers."""
    return make_claim(people.levi, people.staff, NUMBERS | {'agent': people.dana.user_id})


@pytest.fixture
def reader(people: People) -> Actor:
    """Somebody of the office who only looks on."""
    return make_user('נועה לוי', Role.READ_ONLY, people.levi)


@pytest.fixture
def repairs(people: People) -> Actor:
    """Somebody of the bureau who has to do with the cars."""
    return make_user('איתן שגב', Role.REPAIR_TEAM)


@pytest.fixture(params=['reader', 'repairs'])
def outsider(request: pytest.FixtureRequest) -> Actor:
    """Each who sees masks."""
    actor: Actor = request.getfixturevalue(request.param)
    return actor


def looking(actor: Actor) -> Any:
    return open_session(actor, reading=True)


# ---- what is left of a number -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('number', 'left'), [('123456782', '6782'), ('AB654321', '4321'), ('A12345', '345'), ('A1234', '34'), ('7', '')]
)
def test_a_mask_leaves_the_last_digits_and_of_a_short_number_less_than_half(number: str, left: str) -> None:
    assert masked(number) == f'\u200e•••••{left}'
    assert is_masked(masked(number))
    assert not is_masked(number)


def test_no_number_has_no_mask() -> None:
    assert masked('') == ''


def test_every_field_of_the_kind_wears_the_mask() -> None:
    assert set(ID_NUMBERS) == {name for name, field in FIELDS.items() if field.kind == 'id_no'}
    worn = {column.key for column in Base.metadata.tables['claims'].c if isinstance(column.type, IdNumber)}
    assert set(ID_NUMBERS) == worn


# ---- who sees what ----------------------------------------------------------------------------------------------------------


def test_who_sees_masks_may_have_a_number_shown_and_nobody_writes_what_he_cannot_read() -> None:
    masked_roles = {role for role, can in ROLE_CAN.items() if Can.SEE_ID_NUMBERS not in can}
    assert masked_roles == {Role.READ_ONLY, Role.REPAIR_TEAM} | LINK_ROLES
    shown = {role for role, can in ROLE_CAN.items() if Can.REVEAL_ID_NUMBERS in can}
    assert shown == {Role.READ_ONLY, Role.REPAIR_TEAM, Role.SYSTEM}
    assert {RIGHTS[name] for name in ID_NUMBERS} == {Can.SEE_ID_NUMBERS}
    # files are full of numbers, and a garage's reader looks at them as they are
    assert not any(Can.IMPORT in ROLE_CAN[role] for role in masked_roles)


def test_who_works_with_the_claim_reads_the_numbers(claim: Claim, people: People) -> None:
    for actor in (people.dana, people.manager, people.staff, people.admin, SYSTEM):
        with looking(actor) as session:
            read = session.get_one(Claim, claim.id)
            assert {name: getattr(read, name) for name in ID_NUMBERS} == NUMBERS


# ---- the wall ---------------------------------------------------------------------------------------------------------------


def test_a_claim_is_read_through_the_mask_by_every_way(claim: Claim, outsider: Actor) -> None:
    columns = [getattr(Claim, name) for name in ID_NUMBERS]
    with looking(outsider) as session:
        read = session.get_one(Claim, claim.id)
        assert {name: getattr(read, name) for name in ID_NUMBERS} == HIDDEN
        rows = [
            session.execute(select(*columns)).one(),
            session.execute(select(*(column.label(f'x{n}') for n, column in enumerate(columns)))).one(),
            session.connection().execute(select(*columns)).one(),
            answers(session, _ALL_THREE)[0],
        ]
        assert {tuple(row) for row in rows} == {tuple(HIDDEN.values())}
    with open_session(outsider) as session:
        assert session.get_one(Claim, claim.id).driver_id_no == HIDDEN['driver_id_no']


_ALL_THREE = select(*(getattr(Claim, name) for name in ID_NUMBERS))
_OF_ONE = select(Claim.insured_id_no).where(Claim.insured_id_no == '123456782')


@pytest.mark.parametrize(
    'question',
    [
        select(Claim.id).where(Claim.insured_id_no.startswith('1')),
        select(Claim.insured_id_no).where(Claim.insured_id_no > '1'),
        select(Claim.id).order_by(Claim.driver_id_no),
        select(func.substr(Claim.insured_id_no, 1, 3)),
        select(func.max(Claim.insured_id_no)),
        select(Claim.id, (Claim.insured_id_no + 'x').label('x')),
        select(Claim.insured_id_no.label('x')).order_by('x'),
        select(Claim.insured_id_no.label('x')).order_by(desc('x')),
        select(cast(Claim.insured_id_no, String)),
        select(func.count()).select_from(Claim).group_by(Claim.insured_id_no),
        select(Change.id).where(Change.fields['insured_id_no'].as_string() == 'x'),
        select(Change.fields['insured_id_no']),
        select(DoubtAnswer.id).where(DoubtAnswer.mark.contains('1')),
        select(Claim.id).where(Claim.id.in_(select(Claim.id).where(Claim.insured_id_no == '1'))),
        select(Alert.id).where(Alert.values['fields'].is_not(None)),
    ],
)
def test_nothing_is_learned_of_a_number_by_comparing_sorting_or_cutting_it(
    question: Any, claim: Claim, outsider: Actor, people: People
) -> None:
    with looking(outsider) as session, pytest.raises(Unscoped, match='masked'):
        session.execute(question)
    with looking(people.staff) as session:
        session.execute(question).all()


def test_a_question_that_was_made_once_is_none_either(claim: Claim, outsider: Actor, people: People) -> None:
    with looking(people.staff) as session:
        assert answers(session, _OF_ONE) == [('123456782',)]
    with looking(outsider) as session, pytest.raises(Unscoped, match='masked'):
        answers(session, _OF_ONE)


def test_the_record_tells_the_masks(claim: Claim, outsider: Actor, people: People) -> None:
    with open_session(people.staff) as session:
        save_fields(session, claim.id, {'insured_id_no': ('123456782', '034862177')}, now())
    with looking(outsider) as session:
        edited, opened = fetch(session, history_of(claim.id))
        assert edited.fields['insured_id_no'] == [HIDDEN['insured_id_no'], masked('034862177')]
        assert {name: opened.fields[name] for name in ID_NUMBERS} == {name: [None, HIDDEN[name]] for name in NUMBERS}
        assert opened.fields['plate'] == [None, claim.plate]
    with looking(people.dana) as session:
        assert fetch(session, history_of(claim.id))[0].fields == {'insured_id_no': ['123456782', '034862177']}


def test_alerts_tell_the_masks_also_of_several_changes_together(claim: Claim, reader: Actor, people: People) -> None:
    told = {'insured_id_no': ['123456782', '034862177'], 'plate': ['1234567', '7654321']}
    for actor in (reader, people.dana):
        of_claim = {'claim_id': claim.id, 'office_id': claim.office_id, 'kind': 'claim.updated', 'at': now()}
        with open_session(SYSTEM) as session:
            change = fetch(session, history_of(claim.id))[0].id
            of_alert = {'values': {'fields': told}, 'key': f'x {actor.user_id}', 'change_id': change}
            session.add(Alert(user_id=actor.user_id, **of_claim, **of_alert))
    with looking(reader) as session:
        (group,) = alert_groups(session)
        assert group.change is not None
        hidden = [masked(number) for number in told['insured_id_no']]
        assert group.change.fields == {**told, 'insured_id_no': hidden} == group.values['fields']
    with looking(people.dana) as session:
        assert alert_groups(session)[0].values['fields'] == told


def test_a_doubt_about_a_number_is_none_of_theirs(repairs: Actor, people: People) -> None:
    claim = make_claim(people.levi, people.staff, insured_id_no='123456789')
    today = now().date()
    with open_session(people.staff) as session:
        (doubt,) = doubts_of(session, session.get_one(Claim, claim.id), today)
        confirm_doubt(session, claim.id, doubt.mark, now())
    with looking(repairs) as session:
        assert open_doubts(session, session.get_one(Claim, claim.id), today) == []
        assert doubts_of(session, session.get_one(Claim, claim.id), today) == []
        (mark,) = session.scalars(select(DoubtAnswer.mark))
        assert json.loads(mark)[2] == masked('123456789')
    with looking(people.staff) as session:
        assert json.loads(session.scalars(select(DoubtAnswer.mark)).one())[2] == '123456789'
    assert doubt_of('insured_id_no', masked('123456789')) is None


def test_the_text_of_the_search_is_read_by_nobody_who_sees_masks(claim: Claim, outsider: Actor, people: People) -> None:
    with looking(outsider) as session:
        assert [row.text for row in session.scalars(select(ClaimSearch))] == ['']
        assert session.scalars(select(ClaimSearch.text)).one() == ''
    with looking(people.staff) as session:
        assert '123456782' in session.scalars(select(ClaimSearch.text)).one()


# ---- writing ----------------------------------------------------------------------------------------------------------------


def test_whoever_sees_a_mask_writes_no_number(claim: Claim, repairs: Actor) -> None:
    assert not fields_for(repairs) & {*ID_NUMBERS}
    for wanted in ('034862177', '', HIDDEN['insured_id_no']):
        for seen in (HIDDEN['insured_id_no'], '123456782'):
            with pytest.raises(Told), open_session(repairs) as session:
                save_fields(session, claim.id, {'insured_id_no': (seen, wanted)}, now())
    with pytest.raises(ClaimError, match='does not write ID numbers'), open_session(repairs) as session:
        fields = {'insured_name': 'רות', 'event_date': claim.event_date, 'insured_id_no': '034862177'}
        open_claim(session, claim.office_id, fields, now())
    assert _stands(claim) == NUMBERS


def test_a_masked_number_is_refused_from_everybody(claim: Claim, people: People) -> None:
    with pytest.raises(Told), open_session(people.staff) as session:
        wanted = {'insured_id_no': ('123456782', HIDDEN['insured_id_no'])}
        save_fields(session, claim.id, wanted, now())
    assert _stands(claim) == NUMBERS


def test_what_is_written_beside_a_masked_number_leaves_it_and_its_search_alone(
    claim: Claim, repairs: Actor, people: People
) -> None:
    with open_session(repairs) as session:
        save_fields(session, claim.id, {'insured_address': ('', 'הגפן 2'), 'make_model': ('', 'מאזדה')}, now())
    assert _stands(claim) == NUMBERS
    assert found(people.dana, '345678') == found(people.dana, 'הגפן') == [claim.claim_no]
    with looking(people.staff) as session:
        newest = fetch(session, history_of(claim.id))[0]
        assert newest.fields == {'insured_address': ['', 'הגפן 2'], 'make_model': ['', 'מאזדה']}


def test_a_claim_opened_without_a_number_is_found(repairs: Actor, people: People) -> None:
    with open_session(repairs) as session:
        opened = open_claim(session, people.levi, {'insured_name': 'רות', 'event_date': now().date()}, now())
    assert found(repairs, 'רות') == [opened.claim_no]


def _stands(claim: Claim) -> dict[str, str]:
    with looking(SYSTEM) as session:
        read = session.get_one(Claim, claim.id)
        return {name: getattr(read, name) for name in ID_NUMBERS}


def test_seals_are_made_of_what_stands_there(claim: Claim) -> None:
    with open_session(SYSTEM) as session:
        while seal_next(session, now(), 100):
            pass
    with looking(SYSTEM) as session:
        told = [change.fields for change in session.scalars(select(Change).where(Change.claim_id == claim.id))]
        assert claim.insured_id_no in str(told), 'the product reads no masks'
        assert chains(session, [claim.id], now())[claim.id].faults == []


# ---- searching --------------------------------------------------------------------------------------------------------------


def found(actor: Actor, typed: str, **asked: str) -> list[str]:
    """What the list, its counts and its first lines find; they agree."""
    with looking(actor) as session:
        state = ListState.read({'view': 'all', 'q': typed, **asked})
        rows = [row.claim_no for row in lists.page_of(session, state).rows]
        assert [row.claim_no for row in lists.first_rows(session, state)] == rows
        assert count_of(session, state) == counts_of(session, state)['all'] == len(rows)
        return rows


@pytest.fixture(params=['walked', 'by index'])
def route(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way a search goes."""
    monkeypatch.setattr('db.search.WALK_UP_TO', 8000 if request.param == 'walked' else -1)
    monkeypatch.setattr('db.list_claims.WALK_UP_TO', 8000 if request.param == 'walked' else -1)


@pytest.mark.usefixtures('route')
def test_no_part_of_a_number_finds_its_claim_and_the_whole_does(claim: Claim, outsider: Actor, people: People) -> None:
    number = NUMBERS['insured_id_no']
    parts = {number[start:end] for start in range(9) for end in range(start + 2, 10)} - {number}
    told = [part for part in sorted(parts) if found(outsider, part)]
    assert told == []
    assert found(outsider, f'ברקוביץ {number[:4]}') == []
    assert found(outsider, number) == found(outsider, '12345678-2') == [claim.claim_no]
    assert found(outsider, f'ברקוביץ {number}') == found(outsider, 'ברקוביץ') == [claim.claim_no]
    assert found(people.dana, '345678') == [claim.claim_no]


@pytest.mark.usefixtures('route')
@pytest.mark.parametrize(
    ('number', 'parts', 'whole'),
    [
        ('009720345', ['97203', '034', '345'], '009720345'),
        ('009723456', ['23456', '3456', '0345'], '009723456'),
        ('034862177', ['34862', '862177'], '34862177'),
        ('AB654321', ['ab6', 'b654', '654321', '4321', 'ab'], 'ab654321'),
        ('00972A4715', ['72a', 'a47', '715'], '00972a4715'),
        ('009720K56BZ9', ['k56', 'bz9'], '009720k56bz9'),
    ],
)
def test_however_a_number_begins(number: str, parts: list[str], whole: str, repairs: Actor, people: People) -> None:
    claim = make_claim(people.levi, people.staff, insured_id_no=number)
    assert [part for part in parts if found(repairs, part)] == []
    assert found(repairs, whole) == [claim.claim_no]


@pytest.mark.usefixtures('route')
def test_the_digits_in_the_name_of_ones_own_office_find_no_number(people: People) -> None:
    office = make_office('סוכנות 2345 ביטוח')
    onlooker = make_user('עדי רון', Role.READ_ONLY, office)
    agent = {'agent': make_user('טל רון', Role.AGENT, office).user_id}
    claim = make_claim(office, people.staff, NUMBERS | agent)
    assert [part for part in ('2345', '234', '345') if found(onlooker, part)] == []
    assert found(onlooker, '123456782') == [claim.claim_no]
    other = make_claim(office, people.staff, agent | {'policy_no': 'X-2345'})
    assert found(onlooker, '2345') == [other.claim_no]


@pytest.mark.usefixtures('route')
def test_what_stands_elsewhere_too_is_found(outsider: Actor, people: People) -> None:
    its = {'insured_id_no': '123456782', 'tp_phone': '0545678213', 'policy_no': 'X-3456'}
    claim = make_claim(people.levi, people.staff, its)
    for typed in ('0545678213', '5678213', '3456', '21734801', "ברקוביץ' 3456"):
        assert found(outsider, typed) == [claim.claim_no], typed


def test_a_line_does_not_say_that_it_was_found_by_a_hidden_number(
    claim: Claim, outsider: Actor, people: People
) -> None:
    for actor, by in ((outsider, None), (people.dana, ('insured_id_no', '123456782'))):
        with looking(actor) as session:
            (row,) = lists.first_rows(session, ListState.read({'view': 'all', 'q': '123456782'}))
            assert row.found == by


# ---- reveal -----------------------------------------------------------------------------------------------------------------


def shown(actor: Actor, claim_id: int, field: str = 'insured_id_no', at: Any = None) -> str:
    with open_session(actor) as session:
        return reveals.reveal_number(session, claim_id, field, at or now())


def log(people: People) -> list[access_log.Access]:
    with looking(people.admin) as session:
        return access_log.accesses(session, Asked(what=NUMBER), 100)


def test_a_number_is_shown_one_at_a_time_and_each_time_it_is_written_down(
    claim: Claim, outsider: Actor, people: People
) -> None:
    for name, number in NUMBERS.items():
        assert shown(outsider, claim.id, name) == number
    lines = log(people)
    assert [line.told for line in reversed(lines)] == [*NUMBERS]
    assert {(line.user_id, line.by, line.claim_no) for line in lines} == {
        (outsider.user_id, outsider.name, claim.claim_no)
    }
    told = ' '.join(f'{line.told} {line.claim_no}' for line in lines)
    assert not any(number in told for number in NUMBERS.values())


def test_of_a_claim_that_is_not_his_and_of_another_field_nothing_is_shown(
    claim: Claim, reader: Actor, people: People
) -> None:
    rival = make_user('גיל כהן', Role.READ_ONLY, people.cohen)
    for actor, claim_id, field in (
        (rival, claim.id, 'insured_id_no'),
        (reader, claim.id + 99, 'insured_id_no'),
        (reader, claim.id, 'insured_phone'),
    ):
        with pytest.raises(ClaimError, match='not found'):
            shown(actor, claim_id, field)
    assert log(people) == []


def test_whoever_reads_them_anyway_has_nothing_shown(claim: Claim, people: People) -> None:
    with pytest.raises(ClaimError, match='not allowed'):
        shown(people.dana, claim.id)


def test_what_was_refused_counts_for_nothing(claim: Claim, reader: Actor) -> None:
    moment = now()
    refused = {'at': moment, 'user_id': reader.user_id, 'what': NUMBER, 'claim_no': claim.claim_no, 'granted': False}
    with open_session(SYSTEM) as session:
        access_log.keep_accesses(session, [refused] * reveals.MOST)
    assert shown(reader, claim.id, at=moment)


def test_whoever_has_many_shown_waits(claim: Claim, reader: Actor, repairs: Actor) -> None:
    moment = now()
    for minute in range(reveals.MOST):
        shown(reader, claim.id, at=moment + timedelta(minutes=minute))
    with pytest.raises(ClaimError, match='no more are shown for now'):
        shown(reader, claim.id, at=moment + timedelta(minutes=59))
    assert shown(repairs, claim.id, at=moment + timedelta(minutes=59)), 'he has his own count'
    assert shown(reader, claim.id, at=moment + reveals.WITHIN + timedelta(seconds=1))


def test_only_a_session_of_theirs_speaks_through_the_mask(people: People, reader: Actor, database: Database) -> None:
    def dialect(actor: Actor, *, reading: bool) -> tuple[bool, Any]:
        with open_session(actor, reading=reading) as session:
            bind: Any = session.get_bind()
            return masks.hides_numbers(bind.dialect), bind.pool

    for reading, engine in ((True, database.reader), (False, database.writer)):
        assert dialect(people.staff, reading=reading) == (False, engine.pool)
        assert dialect(reader, reading=reading) == (True, engine.pool), 'the same connections'


def test_for_whoever_reads_them_no_line_passes_through_python(people: People, database: Database) -> None:
    worn = [column.type for column in Base.metadata.tables['claims'].c if isinstance(column.type, IdNumber)]
    assert [
        kind.dialect_impl(database.reader.dialect).result_processor(database.reader.dialect, None) for kind in worn
    ] == [None] * 3
