"""Who may do what: each right and each order, asked as every role."""

import inspect
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pyotp import TOTP
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import (
    access_seals,
    accounts,
    alert_choices,
    alert_news,
    alerts,
    api_keys,
    bulk_orders,
    calls,
    changes,
    cheque_alerts,
    cheque_board,
    cheques,
    claims,
    clocks,
    documents,
    doorbell,
    exports,
    identity,
    links,
    list_looks,
    list_state,
    looking,
    mail,
    message_templates,
    messages,
    money,
    offices,
    packs,
    proposals,
    record_seals,
    repairs,
    requirements,
    reveals,
    seen_marks,
    sendings,
    silence,
    slips,
    tasks,
    timetable,
    two_factor,
    values,
    views,
)
from db.base import Base, now
from db.calls import CallNote
from db.cheques import Slip
from db.claims import Claim
from db.documents import Arrived, DeclinedRequirement, Document, DocumentNeed, DocumentRequirement, Slot
from db.messages import Letter, ThreadKey
from db.money import OfferNote
from db.offices import AgentOffice, User
from db.reference import (
    Appraiser,
    ClaimStatus,
    DamageHead,
    DocumentType,
    Garage,
    Insurer,
    RepairStage,
    StatusReason,
    VatRate,
    WaitingParty,
)
from db.report_state import ReportState, Span
from db.scope import BUREAU_ROLES, LINK_ROLES, ONLY_LOOKING, ROLE_CAN, Actor, Can, Role, Unscoped, open_books
from db.session import open_session
from db.tasks import Task, TaskNote, TaskRule
from db.texts import ClaimError
from tests.conftest import People
from tests.factories import SYSTEM, make_claim, make_user, turn_on_two_factor

OFFICE = {Role.AGENT, Role.OFFICE_MANAGER, Role.READ_ONLY}
BUREAU = {Role.HANDLER, Role.REPAIR_TEAM, Role.SUBMISSION_TEAM, Role.ADMIN}
OF_REPAIRS, OF_MONEY = BUREAU - {Role.SUBMISSION_TEAM}, BUREAU - {Role.REPAIR_TEAM}
EVERYBODY = OFFICE | BUREAU
MASKED = {Role.READ_ONLY, Role.REPAIR_TEAM}
NOVEMBER = Span(date(2026, 11, 1), date(2026, 11, 30))

# written down a second time on purpose: whoever changes a right must mean it
RIGHTS: dict[str, set[Role]] = {
    'see_claims': EVERYBODY | {Role.GARAGE, Role.INSURED},
    'follow': EVERYBODY | {Role.GARAGE, Role.INSURED},
    'log_call': EVERYBODY - {Role.READ_ONLY},
    'export': EVERYBODY - {Role.READ_ONLY},
    'share': EVERYBODY - {Role.READ_ONLY},
    'share_views': BUREAU | {Role.OFFICE_MANAGER},
    'upload': EVERYBODY - {Role.READ_ONLY} | {Role.GARAGE, Role.INSURED},
    'update_repair': OF_REPAIRS | {Role.GARAGE},
    'write_message': EVERYBODY - {Role.READ_ONLY},
    'see_all_offices': BUREAU,
    'see_internal': BUREAU,
    'see_reports': BUREAU | {Role.OFFICE_MANAGER},
    'verify_record': BUREAU | {Role.OFFICE_MANAGER},
    'use_api': BUREAU | {Role.OFFICE_MANAGER},
    'edit_claim': BUREAU,
    'open_claim': EVERYBODY - {Role.READ_ONLY},
    'see_id_numbers': EVERYBODY - MASKED,
    'reveal_id_numbers': MASKED,
    'handle_money': OF_MONEY,
    'import': {Role.HANDLER, Role.ADMIN},
    'look_as': {Role.HANDLER, Role.ADMIN},
    'administer': {Role.ADMIN},
    'keep_books': set(),
}


def paper(session: Session, claim: Claim) -> Document:
    """The claim's one document; it lies in the trash where an order wants it there."""
    return session.scalars(select(Document).where(Document.claim_id == claim.id)).one()


def need(session: Session, claim: Claim) -> DocumentNeed:
    return session.scalars(select(DocumentNeed).where(DocumentNeed.claim_id == claim.id)).one()


def proposed(session: Session) -> str:
    """The key of the one proposal that `claim` makes."""
    insurer = session.scalars(select(Insurer.id).where(Insurer.code == 'phoenix')).one()
    return f'{insurer}:private_report:police_report'


def _declined() -> DeclinedRequirement:
    return DeclinedRequirement(type='police_report', track='settlement', insurer=1, claims=3, at=now(), by='x')


def call(session: Session, claim: Claim, actor: Actor, party: str = 'insured', **more: Any) -> calls.Call:
    return calls.log_call(session, claim.id, CallNote(party, 'outbound', 'no_answer', **more), now())


def write(session: Session, claim: Claim, **more: Any) -> messages.Message:
    return messages.write_message(session, ThreadKey(claim.office_id, claim.id), Letter('שלום', **more), now())


def many(session: Session, claim: Claim, action: str, value: str = '') -> None:
    wish = bulk_orders.Wish(action, value)
    plan = bulk_orders.Plan(wish, {claim.id: ''}, {}, (), 1)  # as a browser would that skips the question before
    order = bulk_orders.place_order(session, 'k', plan, now())
    bulk_orders.carry_out(session, order.id, [claim.id], now())


def _only(session: Session, model: Any, claim: Claim) -> Any:
    return session.scalars(select(model).where(model.claim_id == claim.id)).one()


def _colleague(session: Session) -> int:
    return session.scalars(select(User.id).where(User.role == Role.HANDLER)).first() or 0


def _letter(session: Session) -> str:
    whole = message_templates.MessageTemplate.audience == 'agent', ~message_templates.MessageTemplate.body.contains('•')
    return session.scalars(select(message_templates.MessageTemplate.id).where(*whole)).first() or ''


SCAN = Arrived('סריקה.pdf', 'scan.pdf', 'application/pdf', 1, 'cd' * 32, 1, 'cd' * 32, pages=1)
WRITERS = EVERYBODY - {Role.READ_ONLY}
GIVEN: dict[str, Any] = {'insured_name': 'רונית', 'event_date': date(2026, 10, 28)}
TASK = TaskNote('לחזור למוסך', date(2099, 1, 1))
SLIP = Slip('insurer_to_insured', 100, date(2027, 3, 1))
OFFER = OfferNote('full', 100, date(2026, 11, 1))
Order = Callable[[Session, Claim, Actor], Any]
ORDERS: dict[str, tuple[set[Role], Order]] = {
    'open_claim': (WRITERS, lambda s, c, a: claims.open_claim(s, c.office_id, GIVEN, now())),
    'save_fields': (BUREAU, lambda s, c, a: claims.save_fields(s, c.id, {'make_model': ('', 'מאזדה')}, now())),
    'save_fields of money': (
        OF_MONEY,
        lambda s, c, a: claims.save_fields(s, c.id, {'offered_amount': (None, 90)}, now()),
    ),
    'save_fields of the repair': (
        OF_REPAIRS,
        lambda s, c, a: claims.save_fields(s, c.id, {'repair_stage': (None, 'paint')}, now()),
    ),
    'save_fields of the day of hand-over': (
        OF_REPAIRS,
        lambda s, c, a: claims.save_fields(s, c.id, {'eta': (None, date(2026, 12, 1))}, now()),
    ),
    'save_fields of a number': (
        OF_MONEY,
        lambda s, c, a: claims.save_fields(s, c.id, {'driver_id_no': ('', '034862177')}, now()),
    ),
    'open_claim with a number': (
        EVERYBODY - MASKED,
        lambda s, c, a: claims.open_claim(s, c.office_id, {**GIVEN, 'insured_id_no': '034862177'}, now()),
    ),
    'reveal_number': (MASKED, lambda s, c, a: reveals.reveal_number(s, c.id, 'insured_id_no', now())),
    'save_fields of both teams': (
        {Role.HANDLER, Role.ADMIN},
        lambda s, c, a: claims.save_fields(
            s, c.id, {'approved_amount': (None, 90), 'eta': (None, date(2026, 12, 1))}, now()
        ),
    ),
    'open_claim with money': (
        OF_MONEY,
        lambda s, c, a: claims.open_claim(s, c.office_id, {**GIVEN, 'demand_amount': 100}, now()),
    ),
    'open_claim in repair': (
        OF_REPAIRS,
        lambda s, c, a: claims.open_claim(s, c.office_id, {**GIVEN, 'repair_stage': 'paint'}, now()),
    ),
    'change a sum by hand': (OF_MONEY, lambda s, c, a: setattr(_only(s, money.HeadAmount, c), 'offered', 5)),
    'change an offer by hand': (OF_MONEY, lambda s, c, a: setattr(_only(s, money.Offer, c), 'note', 'x')),
    'change a cheque by hand': (OF_MONEY, lambda s, c, a: setattr(_only(s, cheques.Cheque, c), 'note', 'x')),
    'hold the repair by hand': (OF_REPAIRS, lambda s, c, a: setattr(s.get_one(Claim, c.id), 'hold_reason', 'parts')),
    'change_status': (BUREAU, lambda s, c, a: claims.change_status(s, c.id, 'submitted', '', 'new', now())),
    'take_status_back': (BUREAU, lambda s, c, a: _set_and_back(s, c)),
    'settle_silences': (set(), lambda s, c, a: silence.settle_silences(s, [c.id])),
    'measure_usuals': (set(), lambda s, c, a: silence.measure_usuals(s, now())),
    'add_task': (BUREAU, lambda s, c, a: tasks.add_task(s, c.id, TASK, now())),
    'complete': (BUREAU, lambda s, c, a: tasks.complete(s, task(s, c), now())),
    'postpone': (BUREAU, lambda s, c, a: tasks.postpone(s, task(s, c), date(2099, 1, 4), now())),
    'assign': (BUREAU, lambda s, c, a: tasks.assign(s, task(s, c), None, None, now())),
    'lock_claim': (EVERYBODY, lambda s, c, a: claims.lock_claim(s, c.id)),
    'mark_checked': (BUREAU, lambda s, c, a: claims.mark_checked(s, c.id, now())),
    'set_clock_day': (
        BUREAU,
        lambda s, c, a: clocks.set_clock_day(s, c.id, clocks.SaidDay('request', None, c.event_date, 'x'), now()),
    ),
    'change the rule of a clock': (
        {Role.ADMIN},
        lambda s, c, a: setattr(s.get_one(clocks.ClockRule, 'policy_info'), 'amount', 15),
    ),
    'mark many read': (EVERYBODY, lambda s, c, a: many(s, c, 'read')),
    'assign many': (BUREAU, lambda s, c, a: many(s, c, 'assign', str(_colleague(s)))),
    'change the status of many': (BUREAU, lambda s, c, a: many(s, c, 'status', 'submitted')),
    'say of many that they were checked': (BUREAU, lambda s, c, a: many(s, c, 'checked')),
    'write a template to many': (BUREAU, lambda s, c, a: many(s, c, 'message', _letter(s))),
    'reset_two_factor': ({Role.ADMIN}, lambda s, c, a: accounts.reset_two_factor(s, c.agent or 0)),
    'spread': ({Role.ADMIN}, lambda s, c, a: two_factor.spread(s)),
    'begin_two_factor for oneself': (EVERYBODY, lambda s, c, a: two_factor.begin_two_factor(s, now())),
    'confirm_two_factor for oneself': (EVERYBODY, lambda s, c, a: _confirmed(s)),
    'renew_recovery_codes for oneself': (EVERYBODY, lambda s, c, a: _renewed(s)),
    'turn_off_two_factor for oneself': (EVERYBODY, lambda s, c, a: _turned_off(s)),
    'make_proof for oneself': (EVERYBODY, lambda s, c, a: two_factor.make_proof(s, '', now())),
    'spend_code of oneself': (EVERYBODY, lambda s, c, a: two_factor.spend_code(s, '', now())),
    'disable': ({Role.ADMIN}, lambda s, c, a: accounts.disable(s, c.agent or 0)),
    'advance_repair': (OF_REPAIRS, lambda s, c, a: repairs.advance_repair(s, c.id, 'paint', None, now())),
    'expect': (OF_REPAIRS, lambda s, c, a: repairs.expect(s, c.id, date(2026, 12, 1), '', now())),
    'hold': (OF_REPAIRS, lambda s, c, a: repairs.hold(s, c.id, 'parts', now())),
    'resume': (OF_REPAIRS, lambda s, c, a: repairs.resume(s, c.id, now())),
    'note_repair': (OF_REPAIRS, lambda s, c, a: repairs.note_repair(s, c.id, 'x', now())),
    'take_back': (OF_REPAIRS, lambda s, c, a: _there_and_back(s, c)),
    'create_link to the insured': (
        EVERYBODY - {Role.READ_ONLY},
        lambda s, c, a: links.create_link(s, c.id, links.INSURED, now()),
    ),
    'create_link to the garage': (OF_REPAIRS, lambda s, c, a: links.create_link(s, c.id, links.GARAGE, now())),
    'revoke_link': (EVERYBODY - {Role.READ_ONLY}, lambda s, c, a: links.revoke_link(s, _link_of(s, c), now())),
    'mark many unread': (EVERYBODY, lambda s, c, a: many(s, c, 'unread')),
    'save_view for oneself': (EVERYBODY, lambda s, c, a: views.save_view(s, 'שלי', list_state.ListState(), now())),
    'save_view for all colleagues': (
        BUREAU | {Role.OFFICE_MANAGER},
        lambda s, c, a: views.save_view(s, 'של כולם', list_state.ListState(), now(), shared=True),
    ),
    'pin_view': (EVERYBODY, lambda s, c, a: views.pin_view(s, 'stuck', pinned=True)),
    'order_pins': (EVERYBODY, lambda s, c, a: views.order_pins(s, ['stuck'])),
    'prefer_looks': (EVERYBODY, lambda s, c, a: list_looks.prefer_looks(s, ['plate'], 'dense')),
    'prefer for oneself': (EVERYBODY, lambda s, c, a: offices.prefer(s, a.user_id or 0, language='en')),
    'prefer for another': ({Role.ADMIN}, lambda s, c, a: offices.prefer(s, c.agent or 0, language='en')),
    'prefer_mail': (EVERYBODY, lambda s, c, a: mail.prefer_mail(s, digest=True, any_time=True)),
    'try_failed_again': ({Role.ADMIN}, lambda s, c, a: mail.try_failed_again(s, now())),
    'mail_health': ({Role.ADMIN}, lambda s, c, a: mail.mail_health(s, now())),
    'jobs_for_admin': ({Role.ADMIN}, lambda s, c, a: timetable.jobs_for_admin(s)),
    'mark_seen': (EVERYBODY, lambda s, c, a: seen_marks.mark_seen(s, c.id, now())),
    'mark_unseen': (EVERYBODY, lambda s, c, a: seen_marks.mark_unseen(s, c.id, now())),
    'visit': (EVERYBODY, lambda s, c, a: alerts.visit(s, c.id, now())),
    'mark_read': (EVERYBODY, lambda s, c, a: alerts.mark_read(s, now())),
    'mark_all_read': (EVERYBODY, lambda s, c, a: alerts.mark_all_read(s, now())),
    'mute': (EVERYBODY, lambda s, c, a: alerts.mute(s, c.id, now())),
    'snooze': (EVERYBODY, lambda s, c, a: alerts.snooze(s, c.id, 'day', now())),
    'end_snooze': (EVERYBODY, lambda s, c, a: alerts.end_snooze(s, c.id, now())),
    'follow': (EVERYBODY, lambda s, c, a: alert_choices.follow(s, c.id)),
    'own_watch': (EVERYBODY, lambda s, c, a: alert_choices.own_watch(s, c.id)),
    'choose': (EVERYBODY, lambda s, c, a: alert_choices.choose(s, 'calls', 'app', False)),
    'choose_claims': (EVERYBODY, lambda s, c, a: alert_choices.choose_claims(s, only_own=True)),
    'log_call with the client': (WRITERS, call),
    'log_call with an insurer': (BUREAU, lambda s, c, a: call(s, c, a, 'insurer', person='דן')),
    'log_call for the bureau alone': (BUREAU, lambda s, c, a: call(s, c, a, internal=True)),
    'correct_call of somebody else': (
        BUREAU,
        lambda s, c, a: calls.correct_call(
            s, s.scalars(select(calls.Call.id)).one(), CallNote('insured', 'outbound', 'voicemail'), now()
        ),
    ),
    'write_message': (WRITERS, lambda s, c, a: write(s, c)),
    'write_message for the bureau alone': (BUREAU, lambda s, c, a: write(s, c, internal=True)),
    'note_internally': (BUREAU, lambda s, c, a: messages.note_internally(s, c.id, 'x', now())),
    'tell_not_attached': (WRITERS, lambda s, c, a: messages.tell_not_attached(s, write(s, c).id, 'x.pdf', now())),
    'save_draft': (WRITERS, lambda s, c, a: messages.save_draft(s, ThreadKey(c.office_id, c.id), 'x')),
    'mark_messages_read': (
        EVERYBODY,
        lambda s, c, a: messages.mark_messages_read(s, ThreadKey(c.office_id, c.id), 10**6),
    ),
    'mark_messages_delivered': (EVERYBODY, lambda s, c, a: messages.mark_messages_delivered(s)),
    'check_room': (WRITERS, lambda s, c, a: documents.check_room(s, c.claim_no, 1, Slot('police_report'))),
    'attach': (WRITERS, lambda s, c, a: documents.attach(s, c.id, SCAN, Slot('police_report'), now())),
    'accept': (BUREAU, lambda s, c, a: documents.accept(s, paper(s, c).uuid, now())),
    'reject': (BUREAU, lambda s, c, a: documents.reject(s, paper(s, c).uuid, 'page_missing', now())),
    'reopen': (BUREAU, lambda s, c, a: documents.reopen(s, paper(s, c).uuid, now())),
    'retype': (BUREAU, lambda s, c, a: documents.retype(s, paper(s, c).uuid, 'police_report')),
    'remove from others': (BUREAU, lambda s, c, a: documents.remove(s, paper(s, c).uuid, now())),
    'restore to others': (BUREAU, lambda s, c, a: documents.restore(s, paper(s, c).uuid)),
    'keep of others': (BUREAU, lambda s, c, a: documents.keep(s, paper(s, c).uuid, now())),
    'remove what one sent': (
        WRITERS,
        lambda s, c, a: documents.remove(
            s, documents.attach(s, c.id, SCAN, Slot('police_report'), now()).document.uuid, now()
        ),
    ),
    'waive': (BUREAU, lambda s, c, a: requirements.waive(s, c.id, 'power_of_attorney', '', now())),
    'require': (BUREAU, lambda s, c, a: requirements.require(s, c.id, 'police_report', now())),
    'ask_for': (BUREAU, lambda s, c, a: requirements.ask_for(s, c.id, 'תצהיר', now())),
    'send_back': (BUREAU, lambda s, c, a: requirements.send_back(s, c.id, 'new', ['police_report'], now())),
    'withdraw': (BUREAU, lambda s, c, a: requirements.withdraw(s, c.id, need(s, c).id, now())),
    'note_views': (EVERYBODY, lambda s, c, a: documents.note_views(s, [paper(s, c)], 'downloaded', now())),
    'recheck': (BUREAU, lambda s, c, a: requirements.recheck(s, c.id)),
    'recheck_next': (BUREAU, lambda s, c, a: requirements.recheck_next(s, 0, 10)),
    'submission': (BUREAU, lambda s, c, a: packs.submission(s, c.claim_no)),
    'keep_pack': (
        BUREAU,
        lambda s, c, a: packs.keep_pack(s, _going(s, c), packs.Bound('ef' * 32, 1, 2, [(1, 2)]), now()),
    ),
    'note_sending': (
        BUREAU,
        lambda s, c, a: sendings.note_sending(
            s, _a_pack(s, c), sendings.SendingNote('הראל', values.israel(now()).date(), 'fax'), now()
        ),
    ),
    'purge_trash': (set(), lambda s, c, a: documents.purge_trash(s, now(), 10, now())),
    'save_amounts': (OF_MONEY, lambda s, c, a: money.save_amounts(s, c.id, 'other', {'demanded': (None, 1)}, now())),
    'take_head_off': (OF_MONEY, lambda s, c, a: money.take_head_off(s, c.id, 'other', {}, now())),
    'take_vat_off': (OF_MONEY, lambda s, c, a: money.take_vat_off(s, c.id, 'repair_cost', now())),
    'log_offer': (OF_MONEY, lambda s, c, a: money.log_offer(s, c.id, OFFER, now())),
    'answer_offer': (OF_MONEY, lambda s, c, a: money.answer_offer(s, 1, 'accepted', now())),
    'enter_cheque': (OF_MONEY, lambda s, c, a: cheques.enter_cheque(s, c.id, SLIP, 'expected', now())),
    'change_cheque': (OF_MONEY, lambda s, c, a: cheques.change_cheque(s, 1, SLIP, 1, now())),
    'advance_cheque': (OF_MONEY, lambda s, c, a: cheques.advance_cheque(s, 1, 'handed_over', now())),
    'replace_cheque': (OF_MONEY, lambda s, c, a: cheques.replace_cheque(s, 1, SLIP, 'expected', now(), 'details')),
    'take_back_cheque': (OF_MONEY, lambda s, c, a: step_and_back(s)),
    'note_step': (BUREAU, lambda s, c, a: cheques.note_step(s, 1, 'warn', '', now())),
    'alert_of_cheques': (set(), lambda s, c, a: cheque_alerts.alert_of_cheques(s, now(), [1])),
    'settle_warnings': (set(), lambda s, c, a: cheque_alerts.settle_warnings(s, date(2026, 11, 23))),
    'name a head of damage': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(DamageHead, 'other'), 'label', 'x')),
    'change the VAT': ({Role.ADMIN}, lambda s, c, a: s.add(VatRate(since=date(2030, 1, 1), percent=19))),
    'approve': ({Role.ADMIN}, lambda s, c, a: proposals.approve(s, proposed(s), now())),
    'decline': ({Role.ADMIN}, lambda s, c, a: proposals.decline(s, proposed(s), now())),
    'decline by hand': ({Role.ADMIN}, lambda s, c, a: s.add(_declined())),
    'change the matrix': ({Role.ADMIN}, lambda s, c, a: s.add(DocumentRequirement(type='police_report'))),
    'rename a kind of document': (
        {Role.ADMIN},
        lambda s, c, a: setattr(s.get_one(DocumentType, 'police_report'), 'label', 'x'),
    ),
    'word a template anew': (
        {Role.ADMIN},
        lambda s, c, a: setattr(s.scalars(select(message_templates.MessageTemplate).limit(1)).one(), 'body', 'x'),
    ),
    'add a garage': (BUREAU, lambda s, c, a: s.add(Garage(name='מוסך חדש'))),
    'add an appraiser': (BUREAU, lambda s, c, a: s.add(Appraiser(name='שמאי חדש'))),
    'rename an insurer': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(Insurer, 1), 'name', 'x')),
    'word a rule anew': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(TaskRule, 'garage'), 'label', 'x')),
    'rename a status': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(ClaimStatus, 'new'), 'label', 'x')),
    'rename a stage': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(RepairStage, 'paint'), 'label', 'x')),
    'rename a party': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(WaitingParty, 'garage'), 'label', 'x')),
    'rename a reason': (
        {Role.ADMIN},
        lambda s, c, a: setattr(s.get_one(StatusReason, ('closed', 'other')), 'label', 'x'),
    ),
    'add an office': ({Role.ADMIN}, lambda s, c, a: s.add(AgentOffice(name='חדשה', created_at=now()))),
    'rename an office': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(AgentOffice, c.office_id), 'name', 'x')),
    'add a person': ({Role.ADMIN}, lambda s, c, a: s.add(User(name='x', role='admin', created_at=now()))),
    'become admin': ({Role.ADMIN}, lambda s, c, a: setattr(s.get_one(User, a.user_id), 'role', 'x')),
    'move to another office': (
        {Role.ADMIN},
        lambda s, c, a: setattr(s.get_one(User, a.user_id), 'office_id', c.office_id + 1),
    ),
    'take a report away': (
        BUREAU | {Role.OFFICE_MANAGER},
        lambda s, c, a: exports.record_report(s, exports.ReportTaken('Summary', ReportState(), NOVEMBER, (), 1), now()),
    ),
    'make_key for oneself': (
        BUREAU | {Role.OFFICE_MANAGER},
        lambda s, c, a: api_keys.make_key(s, api_keys.Wish('CRM', 30), '', now()),
    ),
    'revoke_key of oneself': (BUREAU | {Role.OFFICE_MANAGER}, lambda s, c, a: _made_and_revoked(s)),
    'revoke_keys_of others': ({Role.ADMIN}, lambda s, c, a: api_keys.revoke_keys_of(s, [c.agent or 0])),
    'begin_look': ({Role.HANDLER, Role.ADMIN}, lambda s, c, a: _look(s, a, c.agent or 0)),
    'end_look': (EVERYBODY, lambda s, c, a: looking.end_look(s, '', now())),
    'end_looks_run_out': (set(), lambda s, c, a: looking.end_looks_run_out(s, now())),
    'delete oneself': ({Role.ADMIN}, lambda s, c, a: s.delete(s.get_one(User, a.user_id))),
}


def _look(session: Session, actor: Actor, shown: int) -> None:
    with open_books(session):
        token = identity.start_session(session, actor.user_id or 0, identity.Browser(), now())
    looking.begin_look(session, identity.hash_of(token), shown, 'x', now())


def _confirmed(session: Session) -> list[str]:
    two_factor.begin_two_factor(session, now())
    app = TOTP(two_factor.own_standing(session, now()).secret)
    codes = two_factor.confirm_two_factor(session, app.now(), now())
    assert codes
    return codes


def _renewed(session: Session) -> None:
    assert two_factor.renew_recovery_codes(session, _confirmed(session)[0], now())


def _turned_off(session: Session) -> None:
    assert two_factor.turn_off_two_factor(session, _confirmed(session)[0], now())


def _made_and_revoked(session: Session) -> None:
    assert api_keys.make_key(session, api_keys.Wish('CRM', 30), '', now())
    (own,) = api_keys.own_keys(session, now())
    api_keys.revoke_key(session, own.key.id, now())


def task(session: Session, claim: Claim) -> int:
    """The claim's one task; nobody of an office can know its number."""
    return session.scalars(select(Task.id).where(Task.claim_id == claim.id)).first() or 1


def _set_and_back(session: Session, claim: Claim) -> None:
    claims.change_status(session, claim.id, 'submitted', '', 'new', now())
    session.flush()
    slips.take_status_back(session, claim.id, 'submitted', now())


def _there_and_back(session: Session, claim: Claim) -> None:
    repairs.advance_repair(session, claim.id, 'paint', None, now())
    session.flush()
    repairs.take_back(session, claim.id, 'paint', now())


def _going(session: Session, claim: Claim) -> packs.Submission:
    return packs.Submission(claim, '', [packs.Paper(paper(session, claim), 'רישיון', '')])


def _a_pack(session: Session, claim: Claim) -> str:
    """A pack of the claim; nobody of an office can know its address."""
    if not session.info['actor'].may(Can.EDIT_CLAIM):
        return 'x'
    return packs.keep_pack(session, _going(session, claim), packs.Bound('ef' * 32, 1, 2, [(1, 2)]), now()).uuid


def _link_of(session: Session, claim: Claim) -> int:
    return session.scalars(links.links_of(claim.id)).one().id


def test_each_right_belongs_to_these_roles():
    assert ROLE_CAN[Role.SYSTEM] == frozenset(Can)
    for right in Can:
        assert {role for role in ROLE_CAN if right in ROLE_CAN[role]} - {Role.SYSTEM} == RIGHTS[right.value], right
    assert BUREAU_ROLES == BUREAU


def test_whoever_sees_all_offices_has_none_of_his_own():
    for role in ROLE_CAN:
        assert (Can.SEE_ALL_OFFICES in ROLE_CAN[role]) == (role not in OFFICE | LINK_ROLES)


@pytest.fixture
def everybody(people: People) -> dict[Role, Actor]:
    return {
        Role.AGENT: people.yossi,
        Role.OFFICE_MANAGER: people.manager,
        Role.READ_ONLY: make_user('צפי', Role.READ_ONLY, people.levi),
        Role.HANDLER: people.staff,
        Role.REPAIR_TEAM: make_user('אורן שגב', Role.REPAIR_TEAM),
        Role.SUBMISSION_TEAM: make_user('תמר אלון', Role.SUBMISSION_TEAM),
        Role.ADMIN: people.admin,
    }


def step_and_back(session: Session) -> None:
    cheques.advance_cheque(session, 1, 'handed_over', now())
    session.flush()
    cheque_board.take_back_cheque(session, 1, 'handed_over', now())


class Undone(Exception):  # noqa: N818
    """So that each tries it on the same claim."""


def allowed(actor: Actor, order: Order, claim: Claim) -> bool:
    with pytest.raises((Undone, ClaimError)) as end, open_session(actor) as session:
        order(session, claim, actor)
        session.flush()
        raise Undone
    return isinstance(end.value, Undone)


@pytest.fixture
def claim(people: People) -> Claim:
    """One with everything that an order may be about."""
    claim = make_claim(people.levi, people.staff, agent=people.dana.user_id)
    turn_on_two_factor(people.dana, now())
    with open_session(people.dana) as session:
        documents.attach(session, claim.id, SCAN, Slot('vehicle_licence'), now())
        call(session, claim, people.dana)
    with open_session(people.staff) as session:
        requirements.ask_for(session, claim.id, 'תצהיר', now())
        write(session, claim)
        money.save_amounts(session, claim.id, 'repair_cost', {'demanded': (None, 118)}, now())
        money.log_offer(session, claim.id, OFFER, now())
        cheques.enter_cheque(session, claim.id, SLIP, 'received', now())
        links.create_link(session, claim.id, links.INSURED, now())
        tasks.add_task(session, claim.id, TASK, now())
        phoenix = session.scalars(select(Insurer.id).where(Insurer.code == 'phoenix')).one()
    for _ in range(proposals.ENOUGH):
        other = make_claim(people.levi, people.staff, tp_insurer=phoenix, track='private_report')
        with open_session(people.staff) as session:
            requirements.send_back(session, other.id, 'new', ['police_report'], now())
    return claim


def test_each_order_is_taken_from_these_roles(claim, everybody):
    outcome = {
        name: {role for role, actor in everybody.items() if allowed(actor, order, claim)}
        for name, (_, order) in ORDERS.items()
    }
    # SQLAlchemy cannot take away a person whose marks stand: an admin disables him
    assert outcome == {name: roles for name, (roles, _) in ORDERS.items()}


def _everything() -> dict[str, list[Any]]:
    with open_session(SYSTEM, reading=True) as session:
        rows = session.connection()
        return {table.name: sorted(map(repr, rows.execute(table.select()))) for table in Base.metadata.sorted_tables}


def test_whoever_looks_as_another_gives_no_order_and_none_is_carried_out_as_a_question(claim, everybody, people):
    before = _everything()
    for role in sorted(OFFICE):
        seen = replace(everybody[role], looker=people.admin)
        for name, (_, order) in ORDERS.items():
            with pytest.raises(ClaimError) as refusal, open_session(seen) as session:
                order(session, claim, seen)
            assert str(refusal.value) == ONLY_LOOKING, name
            with (
                suppress(ClaimError, Unscoped, ValueError, SQLAlchemyError),
                open_session(seen, reading=True) as session,
            ):
                order(session, claim, seen)
    assert _everything() == before


# done by the product itself, for everybody
OF_THE_PRODUCT = {
    *(
        'alert_followers',
        'follow_from_here',
        'date_record',
        'note_use',
        'note_key_use',
        'raise_alert',
        'show_waiting',
        'record_quietly',
        'forget_rings',
        'forget_alerts',
        'forget_accesses',
        'keep_accesses',
        'alert_of_deadlines',
        'seal_next',
        'write_head',
        'seal_accesses',
    ),
    'mark_previews',
}


def test_each_order_stands_in_the_table():
    # what stands under «orders» writes: somebody must have thought about who may do it
    tried = {order.split()[0] for order in ORDERS} | OF_THE_PRODUCT
    for module in (
        *(
            claims,
            calls,
            documents,
            requirements,
            messages,
            changes,
            doorbell,
            seen_marks,
            alerts,
            alert_news,
            alert_choices,
            repairs,
            links,
            money,
            packs,
            proposals,
            record_seals,
            access_seals,
            sendings,
        ),
        *(cheques, cheque_alerts, cheque_board, silence, tasks, clocks, two_factor, looking, api_keys),
    ):
        orders = inspect.getsource(module).split('# ---- orders')[1].split('# ----')[0]
        written = set(re.findall(r'^def ([a-z]\w*)\(\s*session\b', orders, re.MULTILINE))
        assert written
        assert written - tried - ASKED == set(), module.__name__


# they stand beside the orders that need them, and only read
ASKED = {'lock_claims', 'undelivered'}


def test_what_the_product_keeps_for_itself_is_not_given_out(everybody):
    for actor in everybody.values():
        with pytest.raises(ClaimError), open_session(actor) as session:
            alert_news.alert_followers(session)
            session.flush()


def test_a_person_who_was_disabled_is_nobody(people):
    for cut in ('person', 'office'):
        with open_session(SYSTEM) as session:
            assert offices.actor_of(session, people.dana.user_id or 0) == people.dana
            if cut == 'person':
                accounts.disable(session, people.dana.user_id or 0)
            else:
                session.get_one(AgentOffice, people.levi).active = False
        with open_session(SYSTEM) as session:
            assert offices.actor_of(session, people.dana.user_id or 0) is None
            session.get_one(User, people.dana.user_id).active = True
    with open_session(SYSTEM) as session:
        assert offices.actor_of(session, 999_999) is None


def test_sees_own_only_is_for_agents_of_such_an_office(people):
    with open_session(SYSTEM) as session:
        session.get_one(AgentOffice, people.levi).agents_see_own_only = True
    with open_session(SYSTEM) as session:
        standing = {
            person.name: offices.actor_of(session, person.user_id or 0)
            for person in (people.dana, people.manager, people.rival, people.staff)
        }
    assert [actor.sees_own_only for actor in standing.values() if actor] == [True, False, False, False]
