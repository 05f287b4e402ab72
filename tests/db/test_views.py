"""Views: what everybody asks every day, and the lists that people keep under a name, for themselves or for their colleagues."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db import (
    alerts,
    exports,
    list_counts,
    list_looks,
    list_rows,
    list_state,
    list_words,
    lists,
    palette,
    seen_marks,
    views,
)
from db.alert_choices import follow
from db.base import now
from db.cheques import Slip, advance_cheque, enter_cheque
from db.claims import Claim, change_status, save_fields
from db.doorbell import Notice
from db.exports import Asked
from db.list_state import ListState
from db.list_words import filters_in_words
from db.offices import User
from db.reference import Appraiser, Garage
from db.scope import Actor, Role
from db.session import open_session
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_office, make_user

NOON = datetime(2026, 11, 18, 10, tzinfo=UTC)
LIST = ListState(view='closed', status=('paid',), sort='plate', columns=('insured_name', 'garage'), size=50, page=3)


def listed(actor: Actor, state: ListState, at: datetime | None = None) -> set[int]:
    with open_session(actor, reading=True, at=at) as session:
        found = lists.page_of(session, replace(state, size=100))
        assert found.total == len(found.rows) == list_counts.count_of(session, state)
        return {row.claim_id for row in found.rows}


def quick(actor: Actor, name: str, at: datetime | None = None) -> set[int]:
    return listed(actor, views.QUICK_VIEWS[name][1], at)


# ---- quick views ------------------------------------------------------------------------------------------------------------


def test_what_waits_for_me_is_an_agents_own_an_offices_all_and_a_handlers_own(people: People) -> None:
    def claim(waiting_on: str, agent: Actor | None, handler: Actor | None = None, office: int = people.levi) -> int:
        named: dict[str, Any] = {
            'agent': agent.user_id if agent else None,
            'handler': handler.user_id if handler else None,
        }
        return make_claim(office, people.staff, {'waiting_on': waiting_on, **named}).id

    hers, nobodys, his = (claim('agent', agent) for agent in (people.dana, None, people.yossi))
    foreign = claim('agent', people.rival, office=people.cohen)
    claim('garage', people.dana)
    on_the_desk = claim('bureau', people.dana, people.staff)
    claim('bureau', people.dana, people.staff2)
    assert quick(people.dana, 'for_me') == {hers, nobodys}
    assert quick(people.manager, 'for_me') == {hers, nobodys, his}
    assert quick(people.rival, 'for_me') == {foreign}
    assert quick(people.staff, 'for_me') == {on_the_desk}


def test_what_i_follow_is_mine_alone_open_or_closed(people: People) -> None:
    followed, closed, other = (make_claim(people.levi, people.staff) for _ in range(3))
    for actor, claim in ((people.manager, followed), (people.manager, closed), (people.dana, other)):
        with open_session(actor) as session:
            follow(session, claim.id)
    with open_session(people.staff) as session:
        change_status(session, closed.id, 'closed', 'no_cover', 'new', now())
    assert quick(people.manager, 'followed') == {followed.id, closed.id}
    assert quick(people.dana, 'followed') == {other.id}
    with open_session(people.manager) as session:
        follow(session, followed.id, follows=False)
    assert quick(people.manager, 'followed') == {closed.id}


def test_cheques_of_both_directions_count_until_they_are_settled(people: People) -> None:
    today = NOON.date()

    def cheque(direction: str, days: int, office: int = people.levi) -> tuple[int, int]:
        claim = make_claim(office, people.staff)
        with open_session(people.staff) as session:
            slip = Slip(direction, 100, today + timedelta(days=days))
            return claim.id, enter_cheque(session, claim.id, slip, 'handed_over', NOON).id

    theirs, ours, last = (
        cheque(*which) for which in (('insurer_to_insured', 0), ('insured_to_garage', 3), ('insured_to_garage', 14))
    )
    cheque('insured_to_garage', 15)
    settled, foreign = cheque('insured_to_garage', 5), cheque('insured_to_garage', 5, people.cohen)
    with open_session(people.staff) as session:
        advance_cheque(session, settled[1], 'cleared', NOON)
    assert quick(people.dana, 'cheques', NOON) == {theirs[0], ours[0], last[0]}
    assert quick(people.rival, 'cheques', NOON) == {foreign[0]}
    assert len(quick(people.staff, 'cheques', NOON)) == 4


def test_stuck_is_what_the_bureaus_desk_calls_stuck(people: People) -> None:
    old, fresh, over = (make_claim(people.levi, people.staff) for _ in range(3))
    with open_session(SYSTEM) as session:
        session.get_one(Claim, old.id).status_since = NOON - timedelta(days=90)
        session.get_one(Claim, fresh.id).status_since = NOON - timedelta(days=1)
        session.get_one(Claim, over.id).status_since = NOON - timedelta(days=90)
    with open_session(people.staff) as session:
        change_status(session, over.id, 'closed', 'שולם', 'new', now())
        session.flush()
        session.get_one(Claim, over.id).status_since = NOON - timedelta(days=90)
    assert quick(people.dana, 'stuck', NOON) == {old.id}
    assert listed(people.dana, ListState(view='all', quick=('stuck',)), NOON) == {old.id}
    assert quick(people.rival, 'stuck', NOON) == set()


def test_this_month_begins_in_israel_and_ends_by_itself(people: People) -> None:
    ids = []
    for moment in (datetime(2026, 10, 31, 21, 59, tzinfo=UTC), datetime(2026, 10, 31, 22, 1, tzinfo=UTC), NOON):
        claim = make_claim(people.levi, people.staff)
        with open_session(people.staff, at=moment) as session:
            change_status(session, claim.id, 'closed', 'שולם', 'new', moment)
        ids.append(claim.id)
    assert quick(people.dana, 'closed_this_month', NOON) == set(ids[1:])
    assert quick(people.dana, 'closed_this_month', NOON + timedelta(days=20)) == set()


def test_filters_narrow_each_other_and_days_count_in_israel(people: People) -> None:
    with open_session(SYSTEM) as session:
        appraiser = Appraiser(name='שמאי אחד')
        session.add(appraiser)
    both = make_claim(people.levi, people.staff, appraiser=appraiser.id, repair_stage='paint')
    other = make_claim(people.levi, people.staff, repair_stage='paint')
    assert listed(people.dana, ListState(repair_stage=('paint',))) == {both.id, other.id}
    assert listed(people.dana, ListState(repair_stage=('paint',), appraiser=(str(appraiser.id),))) == {both.id}
    with open_session(people.staff, at=datetime(2026, 11, 17, 22, 30, tzinfo=UTC)) as session:
        save_fields(session, both.id, {'make_model': ('', 'מאזדה')}, NOON)
    day = date(2026, 11, 18)
    assert listed(people.dana, ListState(updated_from=day, updated_to=day)) == {both.id}, 'after midnight in Israel'
    assert both.id not in listed(people.dana, ListState(updated_to=day - timedelta(days=1)))
    assert listed(people.dana, ListState(updated_to=date(9999, 12, 31))) == {both.id, other.id}


def test_every_filter_is_told_in_words_to_whoever_takes_the_list_away(people: People) -> None:
    state = ListState(quick=('stuck',), repair_stage=('paint',), updated_from=date(2026, 11, 1))
    with open_session(people.dana, reading=True) as session:
        told = filters_in_words(session, state, 'he')
    assert told == ['שלב תיקון: צבע', 'סינון מהיר: תקועות', 'עודכן: 01/11/2026 – …']
    assert set(list_words._FILTERS) == set(list_state.MANY)


def test_who_is_not_known_in_the_office_is_no_number_in_a_title(people: People) -> None:
    make_claim(people.cohen, people.staff, agent=people.rival.user_id)
    make_claim(people.levi, people.staff, agent=people.yossi.user_id)
    with open_session(people.admin) as session:
        session.get_one(User, people.yossi.user_id).office_id = people.cohen
    yossi, rival = str(people.yossi.user_id), str(people.rival.user_id)
    with open_session(people.dana, reading=True) as session:
        state = ListState(agent=(yossi, rival, '98765', list_state.NOBODY), garage=(list_state.NOBODY, '98765'))
        told = filters_in_words(session, state, 'he')
        assert told == ['סוכן: כבר לא במשרד, לא ברשימה, לא ברשימה, ללא', 'מוסך: ללא, לא ברשימה']
        state = ListState(office=(list_state.NOBODY,), insurer=('98765',), status=('made_up',))
        told = filters_in_words(session, state, 'he')
        assert told == ['סטטוס: לא ברשימה', 'חברת ביטוח: לא ברשימה', 'משרד: לא ברשימה'], 'every claim is of an office'


# ---- saved views ------------------------------------------------------------------------------------------------------------


def save(actor: Actor, name: str, state: ListState = LIST, *, shared: bool = False) -> str:
    with open_session(actor) as session:
        return views.save_view(session, name, state, NOON, shared=shared).key


def seen(actor: Actor) -> list[str]:
    with open_session(actor, reading=True) as session:
        return [view.name for view in views.views_of(session)]


def test_a_view_keeps_everything_but_the_page(people: People) -> None:
    save(people.dana, '  שולמו  ')
    with open_session(people.dana, reading=True) as session:
        (view,) = views.views_of(session)
    assert (view.name, view.state) == ('שולמו', replace(LIST, page=1))


def test_mine_are_mine_the_offices_are_the_offices_and_the_bureaus_the_bureaus(people: People) -> None:
    save(people.dana, 'של דנה')
    save(people.manager, 'של משרד לוי', shared=True)
    save(people.staff, 'של הלשכה', shared=True)
    assert seen(people.dana) == ['של דנה', 'של משרד לוי']
    assert seen(people.yossi) == ['של משרד לוי']
    assert seen(people.rival) == []
    assert seen(people.staff2) == ['של הלשכה'], 'nor do those of the offices crowd the bureau'


def test_all_who_share_a_view_hear_of_it(people: People, notices: list[Notice]) -> None:
    heard = {True: {people.manager, people.dana, people.yossi}, False: {people.manager}}
    for shared, hearers in heard.items():
        notices.clear()
        save(people.manager, f'תצוגה {shared}', shared=shared)
        assert {notice.user_id for notice in notices} == {actor.user_id for actor in hearers}
    notices.clear()
    save(people.staff, 'של הלשכה', shared=True)
    told = {notice.user_id for notice in notices}
    assert {people.staff.user_id, people.staff2.user_id, people.admin.user_id} <= told
    assert people.manager.user_id not in told


@pytest.mark.parametrize('order', ['rename', 'update', 'delete'])
def test_views_are_changed_by_their_owners_only(people: People, order: str) -> None:
    orders: dict[str, Any] = {
        'rename': lambda session, key: views.rename_view(session, key, 'אחר'),
        'update': lambda session, key: views.update_view(session, key, ListState()),
        'delete': views.delete_view,
    }
    own, ours = save(people.dana, 'של דנה'), save(people.manager, 'של המשרד', shared=True)
    strangers = (
        (own, people.yossi),
        (own, people.staff),
        (ours, people.dana),
        (ours, people.rival),
        (ours, people.staff),
    )
    for key, stranger in strangers:
        with pytest.raises(ClaimError), open_session(stranger) as session:
            orders[order](session, key)
    for key, owner in ((own, people.dana), (ours, people.manager)):
        with open_session(owner) as session:
            orders[order](session, key)
    with open_session(people.dana, reading=True) as session:
        found = [(view.name, view.state) for view in views.views_of(session)]
    expected = {
        'rename': [('אחר', replace(LIST, page=1))] * 2,
        'update': [('של דנה', ListState()), ('של המשרד', ListState())],
        'delete': [],
    }
    assert found == expected[order]


def pin(actor: Actor, key: str, pinned: bool = True) -> None:
    with open_session(actor) as session:
        views.pin_view(session, key, pinned=pinned)


def propose(actor: Actor, key: str, pinned: bool = True) -> None:
    with open_session(actor) as session:
        views.pin_for_all(session, key, pinned=pinned)


def pins(actor: Actor) -> list[str]:
    with open_session(actor, reading=True) as session:
        return views.pinned_among(views.views_of(session), list_looks.looks_of(session).pins)


def test_each_pins_what_he_sees_for_himself_and_in_his_order(people: People) -> None:
    own, ours = save(people.dana, 'של דנה'), save(people.manager, 'של המשרד', shared=True)
    for key in (own, 'stuck', ours, own):
        pin(people.dana, key)
    assert (pins(people.dana), pins(people.yossi), pins(people.manager)) == (['stuck', ours, own], [], [])
    with open_session(people.dana) as session:
        views.order_pins(session, [own, 'made_up', 'cheques', own, 'stuck'])
    assert pins(people.dana) == [own, 'stuck', ours]
    pin(people.dana, 'stuck', pinned=False)
    assert pins(people.dana) == [own, ours]


def test_what_an_office_pins_is_pinned_for_whoever_did_not_choose_otherwise(people: People) -> None:
    first, second = (save(people.manager, name, shared=True) for name in ('א', 'ב'))
    propose(people.manager, first)
    assert pins(people.dana) == pins(people.yossi) == pins(people.manager) == [first]
    pin(people.dana, first, pinned=False)
    pin(people.yossi, 'stuck')
    propose(people.manager, second)
    assert (pins(people.dana), pins(people.yossi)) == ([second], ['stuck', first, second])
    with open_session(people.dana) as session:
        views.order_pins(session, [second])
    propose(people.manager, first, pinned=False)
    propose(people.manager, first)
    assert pins(people.dana) == [second], 'taken off, it stays off'
    propose(people.manager, second, pinned=False)
    assert (pins(people.dana), pins(people.yossi)) == ([second], ['stuck', first]), 'who put it in order chose it'
    pin(people.dana, first)
    assert pins(people.dana) == [second, first]


def test_nobody_pins_what_he_does_not_see_nor_for_others_without_the_right(people: People) -> None:
    own, ours = save(people.dana, 'של דנה'), save(people.manager, 'של משרד לוי', shared=True)
    bureaus = save(people.staff, 'של הלשכה', shared=True)
    made_up = ('', 'own', 'own-', 'own-²', 'own-' + '9' * 30, 'users-1', '!stuck', 'stuck@1', f'{own}@1')
    for stranger, keys in (
        (people.yossi, [own, bureaus, *made_up]),
        (people.rival, [own, ours, bureaus]),
        (people.staff, [own, ours]),
    ):
        for key in keys:
            with pytest.raises(ClaimError):
                pin(stranger, key)
        assert pins(stranger) == []
    for stranger, key in ((people.dana, ours), (people.rival, ours), (people.staff, ours), (people.manager, own)):
        with pytest.raises(ClaimError):
            propose(stranger, key)
    with pytest.raises(ClaimError):
        propose(people.dana, own)
    assert pins(people.dana) == []


def test_what_is_gone_is_pinned_no_longer_even_if_its_number_comes_again(people: People) -> None:
    own, ours = save(people.dana, 'של דנה'), save(people.manager, 'של המשרד', shared=True)
    for key in (own, ours):
        pin(people.dana, key)
    for owner, key in ((people.dana, own), (people.manager, ours)):
        with open_session(owner) as session:
            views.delete_view(session, key)
    assert pins(people.dana) == []
    with open_session(people.dana) as session:
        number = int(own.removeprefix('own-'))
        named = {'user_id': people.dana.user_id, 'at': NOON + timedelta(minutes=1)}
        session.add(views.SavedView(id=number, name='אחרת', address='', **named))
    assert pins(people.dana) == []
    pin(people.dana, 'stuck')
    with open_session(people.dana, reading=True) as session:
        assert session.get_one(User, people.dana.user_id).pinned_views == ['stuck'], 'and takes no room'


def test_who_changes_office_takes_along_what_is_his_own(people: People) -> None:
    own, ours = save(people.dana, 'של דנה'), save(people.manager, 'של משרד לוי', shared=True)
    for key in (ours, 'stuck', own):
        pin(people.dana, key)
    with open_session(people.admin) as session:
        session.get_one(User, people.dana.user_id).office_id = people.cohen
    moved = replace(people.dana, office_id=people.cohen)
    assert pins(moved) == ['stuck', own]
    with pytest.raises(ClaimError):
        pin(moved, ours)


def test_only_so_many_stand_beside_the_tabs(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, 'PINNED_AT_MOST', 2)
    pin(people.dana, 'stuck')
    pin(people.dana, 'cheques')
    with pytest.raises(ClaimError, match='pinned views'):
        pin(people.dana, 'followed')
    pin(people.dana, 'stuck', pinned=False)
    pin(people.dana, 'followed')
    assert pins(people.dana) == ['cheques', 'followed']


def test_names_are_cleaned_bounded_and_given_once(people: People) -> None:
    key = save(people.dana, 'אחת')
    save(people.yossi, 'אחת')
    save(people.manager, 'אחת', shared=True)
    for name in ('', '  ', 'א' * 61, 'אחת', ' אחת '):
        with pytest.raises((ClaimError, ValueError)):
            save(people.dana, name)
    save(people.dana, 'שתיים')
    with pytest.raises(ClaimError), open_session(people.dana) as session:
        views.rename_view(session, key, 'שתיים')
    with open_session(people.dana) as session:
        views.rename_view(session, key, 'אחת')
    assert seen(people.dana) == ['אחת', 'שתיים', 'אחת']


def test_there_are_only_so_many(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, 'AT_MOST', 2)
    for name in ('אחת', 'שתיים'):
        save(people.dana, name)
    with pytest.raises(ClaimError, match='saved views'):
        save(people.dana, 'שלוש')


def test_made_up_keys_open_nothing(people: People) -> None:
    for key in ('', 'own', 'own-', 'own-x', 'shared-1', 'own-²', 'own-' + '9' * 30, 'users-1', '-1'):
        with pytest.raises(ClaimError), open_session(people.dana) as session:
            views.delete_view(session, key)


# ---- what a person is used to -----------------------------------------------------------------------------------------------


def test_the_list_looks_as_one_left_it_and_leaves_no_trace_in_the_admins_record(people: People) -> None:
    with open_session(people.dana) as session:
        list_looks.prefer_looks(session, ['garage', 'nonsense', 'garage', 'plate'], 'dense')
    with open_session(people.dana) as session:
        list_looks.prefer_looks(session, density='huge')
        assert list_looks.looks_of(session) == list_looks.Looks(('insured_name', 'garage', 'plate'), 'dense')
    with open_session(people.yossi, reading=True) as session:
        assert list_looks.looks_of(session) == list_looks.Looks()
    with open_session(people.dana) as session:
        list_looks.prefer_looks(session, list_state.DEFAULT_COLUMNS, 'usual')
        assert session.get_one(User, people.dana.user_id).list_columns == [], (
            'what everybody sees, also when that changes'
        )


def test_a_workbook_has_exactly_the_columns_of_its_list(people: People) -> None:
    chosen, plain = Asked(ListState(columns=('insured_name', 'office', 'garage'))), Asked(ListState())
    assert exports.columns_of(chosen, ['plate'], people.staff) == ('insured_name', 'office_id', 'garage')
    assert exports.columns_of(chosen, ['plate'], people.dana) == ('insured_name', 'garage')
    assert exports.columns_of(plain, ['plate'], people.dana) == ('insured_name', 'plate'), 'those she is used to'
    for usual in (plain, Asked(ListState(columns=list_state.DEFAULT_COLUMNS))):
        assert exports.columns_of(usual, (), people.staff) == list_state.DEFAULT_COLUMNS
    every = exports.columns_of(Asked(ListState(columns=list_state.COLUMNS), (), with_details=True), (), people.staff)
    assert set(every) <= set(exports.LABELS), 'each has a heading'


def test_all_details_stand_behind_the_columns_of_the_list_each_once(people: People) -> None:
    asked = Asked(ListState(columns=('insured_name', 'policy_no', 'plate')), (), with_details=True)
    for actor, office in ((people.staff, {'office_id'}), (people.dana, set[str]())):
        columns = exports.columns_of(asked, (), actor)
        assert columns[:4] == ('insured_name', 'policy_no', 'plate', 'claim_no')
        assert sorted(columns) == sorted({'policy_no', *exports.DETAILS} - {'office_id'} | office)


def test_a_row_knows_what_its_columns_show_and_no_more(people: People) -> None:
    with open_session(SYSTEM) as session:
        appraiser = Appraiser(name='שמאי אחד')
        session.add(appraiser)
    given = {'appraiser': appraiser.id, 'insurer_claim_no': '99', 'handler': people.staff.user_id, 'received_amount': 5}
    claim = make_claim(people.levi, people.staff, given)
    with open_session(people.staff, reading=True) as session:
        bare = list_rows.rows_of(session, [claim.id])[claim.id]
        whole = list_rows.rows_of(session, [claim.id], list_state.COLUMNS)[claim.id]
    assert (bare.appraiser, bare.insurer_claim_no, bare.office, bare.opened_at) == ('', '', '', None)
    assert (whole.appraiser, whole.insurer_claim_no, whole.received_amount) == ('שמאי אחד', '99', 5)
    assert (whole.handler, whole.opened_at, whole.missing_documents) == (
        people.staff.name,
        claim.opened_at,
        claim.missing_documents,
    )
    assert whole.office


# ---- the palette ------------------------------------------------------------------------------------------------------------


def test_recent_are_the_claims_one_opened_not_those_one_only_marked(people: People) -> None:
    first, second, third = (make_claim(people.levi, people.staff) for _ in range(3))
    foreign = make_claim(people.cohen, people.staff)
    for minute, claim in enumerate((first, second, first)):
        with open_session(people.dana) as session:
            alerts.visit(session, claim.id, NOON + timedelta(minutes=minute))
    with open_session(people.dana) as session:
        alerts.visit(session, third.id, now(), arriving=False)
        seen_marks.mark_unseen(session, second.id, now())
        alerts.visit(session, foreign.id, now())
    with open_session(people.dana, reading=True) as session:
        assert [row.claim_id for row in palette.recent_claims(session)] == [first.id, second.id]
    with open_session(people.yossi, reading=True) as session:
        assert palette.recent_claims(session) == []


def test_one_reaches_what_one_may_see(people: People) -> None:
    mine = make_claim(people.levi, people.staff, insured_name='ורד שחר', plate='7654321')
    theirs = make_claim(people.cohen, people.staff, insured_name='ורד אחרת')
    save(people.dana, 'ורדים')
    with open_session(people.dana, reading=True) as session:
        found = palette.reach(session, 'ורד')
        by_plate = palette.reach(session, '76-543-21')
        colleague, house, nothing = (palette.reach(session, typed) for typed in ('יוסי', 'סוכנות', 'א'))
        stranger = palette.reach(session, 'אבי כהן')
        signs = palette.reach(session, '🚗')
    assert [row.claim_id for row in found.claims] == [row.claim_id for row in by_plate.claims] == [mine.id]
    assert [view.name for view in found.views] == ['ורדים']
    assert [user.name for user in colleague.agents] == ['יוסי מזרחי']
    assert house.offices == []
    assert (nothing.claims, stranger.agents) == ([], [])
    assert (signs.claims, signs.views) == ([], []), 'not what he opened last'
    with open_session(people.staff, reading=True) as session:
        assert {row.claim_id for row in palette.reach(session, 'ורד').claims} == {mine.id, theirs.id}
        assert [user.name for user in palette.reach(session, 'אבי כהן').agents] == ['אבי כהן']
        assert len(palette.reach(session, 'סוכנות').offices) == 2


def test_one_reaches_the_claims_of_a_firm(people: People) -> None:
    with open_session(people.admin) as session:
        garage, appraiser = Garage(name='מוסך ורדים'), Appraiser(name='ורד שמאים', active=False)
        session.add_all([garage, appraiser, Garage(name='פחחות הצפון')])
        session.flush()
        ids = {'garage': garage.id, 'appraiser': appraiser.id}
    for reader in (people.dana, people.staff):
        with open_session(reader, reading=True) as session:
            firms = palette.reach(session, 'ורד').firms
            insurer = palette.reach(session, 'פניקס').firms['insurer']
            nothing = palette.reach(session, '').firms
        assert {name: [firm.id for firm in found] for name, found in firms.items() if found} == {
            name: [key] for name, key in ids.items()
        }, 'one that is not worked with any more has claims too'
        assert [firm.name for firm in insurer] == ['הפניקס']
        assert nothing == {}


def test_an_agent_who_sees_his_own_claims_only_reaches_no_others(people: People) -> None:
    office = make_office('סוכנות מור', agents_see_own_only=True)
    gal, tal = (make_user(name, Role.AGENT, office) for name in ('גל ששון', 'טל ברק'))
    claim = make_claim(office, people.staff, insured_name='ורד שחר', agent=tal.user_id, waiting_on='agent')
    make_claim(office, people.staff, insured_name='ורד שחר', waiting_on='agent')
    with open_session(gal, reading=True) as session:
        assert palette.reach(session, 'ורד').claims == []
    assert quick(gal, 'for_me') == set()
    assert quick(tal, 'for_me') == {claim.id}
    with open_session(SYSTEM, reading=True) as session:
        assert len(list(session.scalars(select(Claim.id).where(Claim.office_id == office)))) == 2
