"""The screens on which an admin keeps people, offices and reference data: a list, and a form for one line of it."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components import sessions
from components.admin_words import Told, history_lines
from components.frame import say
from components.live import Subscription, ask, base_url, show_changes, words_topic, work
from components.looking import LOOK_AS
from components.words import language, moment_text, said_once, t
from db import accounts, admin_rows, values
from db.accounts import Account, ChangedMeanwhile, Person, Wanted
from db.admin_changes import key_of
from db.admin_rows import Rows
from db.admin_tables import AdminTable, Column
from db.base import now
from db.doorbell import Notice
from db.message_templates import VARIABLES, MessageTemplate
from db.offices import User, offices
from db.scope import OFFICE_ROLES, Role
from db.session import fetch
from db.texts import ClaimError, FieldsRefused

TYPED_AT_MOST, SENT_AT_MOST = 80, 6000
RECORD_SHOWN = 50
SAMPLE_DAY = date(2026, 11, 1)
_opened = count(1)


@dataclass
class Form:
    """The form somebody has open: of which line, and what stood there when it was opened."""

    key: str
    seen: Mapping[str, str]
    shown: dict[str, Any] = field(default_factory=dict)


class AdminList(Element, ABC, component='admin_list.js'):
    """What both screens share: the list follows everybody's edits, and the form keeps what was typed until it is taken."""

    def __init__(self, *, title: str, hint: str, add: str, searched: bool, ordered: bool) -> None:
        """Draw an empty list; `load` fills it."""
        super().__init__()
        self._typed, self._page_no, self._form = '', 1, None  # type: str, int, Form | None
        self._props.update(
            title=title, hint=hint, add=add, searched=searched, ordered=ordered, rows=[], filters=[], form=None, record=[],
            total=0, page=1, pages=1, words=_words(),
        )  # fmt: skip
        answers = {'find': self._find, 'page': self._turn, 'open': self._open, 'save': self._save, 'act': self._act}
        for kind, answer in answers.items():
            self.on(kind, answer)
        self.on('close', self._close)
        with self:
            Subscription([words_topic()], self._ring)

    @abstractmethod
    async def load(self) -> None:
        """Read the list anew and show it."""

    @abstractmethod
    async def form_of(self, key: str) -> Form:
        """The form of a line; of a new one when `key` is empty."""

    @abstractmethod
    async def save(self, form: Form, given: Mapping[str, str]) -> str | None:
        """Take what was typed; returns a one-time link to show, or None. A form that adds with a link learns its line's key."""

    @abstractmethod
    async def act(self, form: Form, action: str) -> str | None:
        """Do one of the form's actions; likewise."""

    async def load_record(self, table_name: str) -> None:
        """Who changed what of the whole table, and when."""
        self.show(record=await ask(history_lines, [table_name], None, RECORD_SHOWN, language()))

    def show(self, **shown: Any) -> None:
        """Send what differs."""
        show_changes(self, shown)

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()

    async def _find(self, event: GenericEventArguments) -> None:
        self._typed, self._page_no = (event.args if isinstance(event.args, str) else '')[:TYPED_AT_MOST], 1
        await self.load()

    async def _turn(self, event: GenericEventArguments) -> None:
        self._page_no = event.args if type(event.args) is int and 0 < event.args < 100_000 else 1
        await self.load()

    async def _open(self, event: GenericEventArguments) -> None:
        self._form = await self.form_of(event.args[:200] if isinstance(event.args, str) else '')
        self.show(form={**self._form.shown, 'key': self._form.key, 'opened': next(_opened)})

    def _close(self) -> None:
        self._form = None
        self.show(form=None)

    async def _save(self, event: GenericEventArguments) -> None:
        form = self._form
        if form is None:
            return
        sent = event.args if isinstance(event.args, dict) else {}
        given = {
            name: raw
            for name, raw in sent.items()
            if name in form.seen and isinstance(raw, str) and len(raw) <= SENT_AT_MOST
        }
        await self._carry_out(form, self.save(form, {**form.seen, **given}), given)

    async def _act(self, event: GenericEventArguments) -> None:
        form = self._form
        if form is not None and event.args in [action['key'] for action in form.shown['actions'] if not action['href']]:
            await self._carry_out(form, self.act(form, str(event.args)), {})

    async def _carry_out(self, form: Form, order: Awaitable[str | None], given: Mapping[str, str]) -> None:
        """Do what the form asked for; it is answered whatever comes of it, for its buttons wait for that."""
        answer: dict[str, Any] = {'errors': {}, 'message': t('It was not saved. Please try again.')}
        link, is_new = None, not form.key
        try:
            link = await order
            answer = {}
        except ClaimError as refusal:
            wrong = refusal.fields if isinstance(refusal, FieldsRefused) else {}
            told = {name: error.told(language()) for name, error in wrong.items()}
            answer = {'errors': told, 'message': refusal.told(language())}
            answer |= await self._as_it_stands(form, given, wrong)
        finally:
            if answer:
                self._answer(form, answer)
        if not answer:
            await self._done(form, link, is_new=is_new)

    async def _as_it_stands(
        self, form: Form, given: Mapping[str, str], wrong: Mapping[str, Exception]
    ) -> dict[str, Any]:
        """What others made of the line meanwhile: shown where he typed nothing; where he did, he has read it and may decide."""
        if not form.key:
            return {}
        try:
            kept = await self.form_of(form.key)
        except ClaimError:  # it is gone, as he is told already
            return {}
        not_read = {
            name: form.seen[name]
            for name, raw in given.items()
            if raw != form.seen[name] and not isinstance(wrong.get(name), ChangedMeanwhile)
        }
        form.seen, form.shown = {**kept.seen, **not_read}, kept.shown
        changes_with_it = ('title', 'fields', 'actions', 'history', 'uses')
        return {'values': dict(form.seen), **{name: kept.shown[name] for name in changes_with_it}}

    async def _done(self, form: Form, link: str | None, *, is_new: bool = False) -> None:
        """Say that it is kept; a link stays on the screen until it is closed, for nobody can read it again."""
        say(t('Saved'))
        if link is not None:
            told = {'errors': {}, 'message': '', 'link': link, 'linkNote': _link_note()}
            self._answer(form, told)
            if is_new:  # from here on it is the form of whoever was added, and holds nothing that was not sent
                kept = await self.form_of(form.key)
                form.seen, form.shown = kept.seen, kept.shown
                self._answer(form, {**kept.shown, **told, 'key': kept.key, 'opened': next(_opened)})
        elif self._form is form:
            self._close()
        await self.load()

    def _answer(self, form: Form, answer: Mapping[str, Any]) -> None:
        """Answer in the form, as long as it is open. Each answer is told, also when it says what the last one said."""
        if self._form is form:
            self.show(form={**self._props['form'], **answer, 'answered': next(_opened)})


# ---- reference data ---------------------------------------------------------------------------------------------------------


class TableScreen(AdminList):
    """One table of TABLES."""

    def __init__(self, table: AdminTable) -> None:
        """Everything follows from the table's description."""
        self._table = table
        add = '' if table.single else t(table.add)
        super().__init__(
            title=t(table.title), hint=t(table.hint), add=add, searched=bool(table.searched), ordered=table.ordered
        )
        self.on('move', self._move)

    async def load(self) -> None:
        """Read the page of rows."""
        found = await ask(admin_rows.rows, self._table, self._typed, self._page_no, language())
        rows = [self._line(row, found) for row in found.rows]
        if rows:
            rows[0]['first'], rows[-1]['last'] = self._page_no == 1, self._page_no * admin_rows.PAGE >= found.total
        pages = -(-found.total // admin_rows.PAGE)
        self.show(rows=rows, total=found.total, page=self._page_no, pages=max(pages, 1))
        await self.load_record(self._table.model.__tablename__)

    def _line(self, row: Any, found: Rows) -> dict[str, Any]:
        cells = [
            {'label': t(column.label), 'text': text}
            for column in self._table.columns[0 if self._table.single else 1 :]
            if column.listed and (text := shown_value(column, row, found))
        ]
        counts = found.counts.get(key_of(row), ())
        cells += [{'label': t(words), 'text': str(n)} for (words, _), n in zip(self._table.uses, counts, strict=False)]
        resting = self._table.retires and not row.active
        first = self._table.columns[0]
        label = t(self._table.title) if self._table.single else shown_value(first, row, found)
        chip = {'hue': 'slate', 'label': t('Out of use')} if resting else None
        return {'key': key_of(row), 'label': label, 'cells': cells, 'muted': resting, 'chip': chip}

    async def form_of(self, key: str) -> Form:
        """The row's columns, who uses it and what was done to it."""
        table = self._table
        row, uses, choices, unused, history = await ask(_of_form, table, key, language())
        seen = {
            column.name: admin_rows.written(column, getattr(row, column.name)) if row is not None else column.preset
            for column in table.columns
        }
        fields = [
            {
                'name': column.name,
                'label': t(column.label),
                'kind': column.kind,
                'limit': column.limit,
                'required': column.required,
                'help': t(column.help),
                'fixed': bool(key) and column.once,
                'choices': [
                    [choice, words]
                    for choice, words in choices[column.name].items()
                    if choice == seen[column.name] or (column.name, choice) not in unused
                ]
                if column.name in choices
                else None,
            }
            for column in table.columns
        ]
        used = ' · '.join(f'{t(words)}: {n:,}' for words, n in uses)
        shown = _shown_form(t('Edit') if key else t(table.add), fields, seen, self._actions(key, row), history)
        samples = _samples() if table.model is MessageTemplate else {}
        return Form(key, seen, {**shown, 'samples': samples, 'uses': t('In use: {uses}', uses=used) if used else ''})

    def _actions(self, key: str, row: Any) -> list[dict[str, Any]]:
        if row is None or self._table.single:
            return []
        if self._table.removable:
            return [_action('remove', t('Delete'), 'delete', danger=True)]
        if not row.active:
            return [_action('restore', t('Back into use'), 'restart_alt')]
        return [] if key in self._table.kept else [_action('retire', t('Take out of use'), 'block', danger=True)]

    async def save(self, form: Form, given: Mapping[str, str]) -> None:
        """Add or change the row."""
        await work(admin_rows.save_row, self._table, form.key, form.seen, given, now())

    async def act(self, form: Form, action: str) -> None:
        """Out of use, back, or away."""
        if action == 'remove':
            await work(admin_rows.remove_row, self._table, form.key)
        else:
            await work(admin_rows.retire, self._table, form.key, active=action == 'restore')

    async def _move(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        await work(admin_rows.move_row, self._table, str(sent.get('key'))[:200], sent.get('down') is True)


def shown_value(column: Column, row: Any, found: Rows) -> str:
    """A value in the list, in words."""
    raw = admin_rows.written(column, getattr(row, column.name))
    if column.kind == 'phone':
        return values.format_phone(raw)
    words = found.choices.get(column.name)
    parts = [words.get(part, part) if words else part for part in raw.split('\n') if part]
    return ', '.join(parts)


def _of_form(session: Any, table: AdminTable, key: str, reader: str) -> tuple[Any, ...]:
    row = admin_rows.row_of(session, table, key) if key else None
    uses = admin_rows.uses_of(session, table, key) if key else []
    history = history_lines(session, [table.model.__tablename__], key, 20, reader) if key else []
    return row, uses, admin_rows.all_choices(session, table, reader), admin_rows.out_of_use(session, table), history


# ---- people -----------------------------------------------------------------------------------------------------------------


class PeopleScreen(AdminList):
    """Everybody who signs in, or could."""

    def __init__(self) -> None:
        """The whole house; narrowed by word, office and standing."""
        self._wanted = {'office': '', 'standing': ''}
        super().__init__(
            title=t('People'),
            hint=t('An invited person chooses a password by a link that works once, within three days.'),
            add=t('Invite somebody'),
            searched=True,
            ordered=False,
        )
        self.on('filter', self._filter)

    async def load(self) -> None:
        """Read the page of people."""
        office = self._wanted['office']
        wanted = Wanted(
            self._typed,
            int(office) if office.isdecimal() else None,
            office == 'bureau',
            self._wanted['standing'],
            self._page_no,
        )
        (people, total), houses = await ask(_people, wanted)
        standings = [[key, t(words)] for key, words in accounts.STANDINGS.items()]
        places = [['bureau', t('Claims bureau')], *([str(key), name] for key, name in houses)]
        filters = [
            {'name': 'office', 'label': t('Every office'), 'choices': places, 'value': office},
            {'name': 'standing', 'label': t('Everybody'), 'choices': standings, 'value': self._wanted['standing']},
        ]
        pages = max(-(-total // accounts.PAGE), 1)
        self.show(
            rows=[_person_line(one) for one in people], filters=filters, total=total, page=self._page_no, pages=pages
        )
        await self.load_record(User.__tablename__)

    async def _filter(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        name, value = sent.get('name'), sent.get('value')
        if name in self._wanted and isinstance(value, str) and len(value) < 10:
            self._wanted[str(name)], self._page_no = value, 1
            await self.load()

    async def form_of(self, key: str) -> Form:
        """Who he is here, how his account stands, and what was done to it."""
        account, held, houses, history = await ask(_of_person, key, language())
        person = Person.of(account.user) if account else Person('', '', 'agent', '')
        roles = [[role.value, t(words)] for role, words in accounts.ROLES.items()]
        places = [[str(office), name] for office, name in houses]
        texts = {'name': (t('Full name'), 'text', 80), 'email': (t('E-mail'), 'email', 254)}
        fields: list[dict[str, Any]] = [
            {'name': name, 'label': label, 'kind': kind, 'limit': limit, 'required': True, 'help': '', 'choices': None}
            for name, (label, kind, limit) in texts.items()
        ]
        fields += [
            {'name': 'role', 'label': t('Role'), 'kind': 'choice', 'required': True, 'help': '', 'choices': roles},
            {'name': 'office', 'label': t('Office'), 'kind': 'choice', 'required': False, 'choices': places,
             'none': t('No office'), 'help': t('People of the bureau belong to no office.')},
        ]  # fmt: skip
        actions = _person_actions(account) if account else []
        shown = _shown_form(person.name or t('Invite somebody'), fields, vars(person), actions, history)
        return Form(key, vars(person), {**shown, 'uses': t('Open claims in hand: {n}', n=held) if held else ''})

    async def save(self, form: Form, given: Mapping[str, str]) -> str | None:
        """Invite him, or change who he is here."""
        wanted = Person(**given)
        if form.key:
            await work(accounts.save_person, int(form.key), Person(**form.seen), wanted)
            return None
        user, token = await work(accounts.invite, wanted, now())
        form.key = str(user.id)
        return f'{base_url()}/setup/{token}'

    async def act(self, form: Form, action: str) -> str | None:
        """One of the orders about an account."""
        user_id = int(form.key)
        if action == 'link':
            return f'{base_url()}/setup/{await work(accounts.new_link, user_id, now())}'
        orders = {
            'disable': accounts.disable,
            'enable': accounts.enable,
            'demand': accounts.demand_new_password,
            'end': accounts.end_sessions,
            'two_factor': accounts.reset_two_factor,
        }
        await work(orders[action], user_id)
        return None


def _people(session: Any, wanted: Wanted) -> tuple[tuple[list[Account], int], list[tuple[int, str]]]:
    return accounts.accounts(session, wanted, now(), sessions.idle()), _houses(session)


def _houses(session: Any) -> list[tuple[int, str]]:
    return [(office.id, office.name) for office in fetch(session, offices())]


def _of_person(session: Any, key: str, reader: str) -> tuple[Account | None, int, list[tuple[int, str]], list[Told]]:
    if not key:
        return None, 0, _houses(session), []
    found = accounts.account(session, int(key), now(), sessions.idle()) if key.isdecimal() and len(key) < 10 else None
    if found is None:
        raise ClaimError('This person was not found.')
    history = history_lines(session, [User.__tablename__], key, 20, reader)
    return found, accounts.claims_of(session, int(key)), _houses(session), history


def _person_line(account: Account) -> dict[str, Any]:
    user, hues = account.user, {'active': 'green', 'invited': 'amber', 'disabled': 'slate'}
    cells = [
        (t('Role'), t(accounts.ROLES[Role(user.role)])),
        (t('Office'), account.office or t('Claims bureau')),
        (t('E-mail'), user.email or ''),
        (t('Two-step verification'), t('On') if account.has_two_factor else ''),
        (t('Last seen'), moment_text(account.seen_at, now(), language()) if account.seen_at else ''),
    ]
    return {
        'key': str(user.id),
        'label': user.name,
        'cells': [{'label': label, 'text': text} for label, text in cells if text],
        'muted': not user.active,
        'chip': {'hue': hues[account.standing], 'label': t(accounts.STANDINGS[account.standing])},
    }


def _person_actions(account: Account) -> list[dict[str, Any]]:
    if not account.user.active:
        return [_action('enable', t('Enable the account'), 'lock_open')]
    again = t('Link to choose a new password') if account.has_password else t('Another invitation link')
    actions = [_action('link', again, 'link')]
    if account.has_password and not account.must_change:
        actions.append(_action('demand', t('Demand a new password'), 'lock_reset'))
    if account.has_two_factor:
        actions.append(_action('two_factor', t('Reset two-step verification'), 'mobile', danger=True))
    if account.devices:
        actions.append(_action('end', t('Sign out on every device ({n})', n=account.devices), 'logout'))
    if account.user.role in OFFICE_ROLES:
        way = f'{LOOK_AS}?person={account.user.id}'
        actions.append({**_action('look', t('Look as this person'), 'visibility'), 'href': way})
    return [*actions, _action('disable', t('Disable the account'), 'person_off', danger=True)]


def _action(key: str, label: str, icon: str, *, danger: bool = False) -> dict[str, Any]:
    return {'key': key, 'label': label, 'icon': icon, 'danger': danger, 'href': ''}


def _shown_form(
    title: str,
    fields: list[dict[str, Any]],
    values: Mapping[str, str],
    actions: list[dict[str, Any]],
    history: list[Told],
) -> dict[str, Any]:
    shown = {'title': title, 'fields': fields, 'values': dict(values), 'actions': actions, 'history': history}
    return {**shown, 'errors': {}, 'message': '', 'link': '', 'linkNote': '', 'uses': '', 'samples': {}}


def _samples() -> dict[str, dict[str, str]]:
    """What may stand in a template, and what it could say there."""
    said = {
        'insured_name': t('Israel Israeli'),
        'claim_no': '26-00123',
        'plate': values.format_plate('12345678'),
        'event_date': values.format_day(SAMPLE_DAY),
        'status': t('Submitted to the insurer'),
        'insurer': t('The Phoenix'),
        'insurer_claim_no': 'CL-1234567',
        'demand_amount': values.format_money(3_864_000, language()),
        'agent': t('Dana Erez'),
        'handler': t('Shira Lavie'),
        'office': t('Levi agency'),
    }
    return {name: {'label': t(label), 'text': said[name]} for name, label in VARIABLES.items()}


def _link_note() -> str:
    return t('Send this link now: it works once, and is not shown again.')


@said_once
def _words() -> dict[str, str]:
    return {
        'search': t('Find'),
        'none': t('Nothing here.'),
        'close': t('Close'),
        'save': t('Save'),
        'copy': t('Copy the link'),
        'choose': t('Choose'),
        'any': t('Any'),
        'sure': t('Sure? Press again'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'lateOrder': t('No answer came. Please try again: nothing is done twice.'),
        'held': t('What was typed here is not saved yet. Save it first, or close the form without it.'),
        'history': t('What was changed'),
        'record': t('Who changed what in this table'),
        'preview': t('As it will be read'),
        'variables': t('Filled in from the claim'),
        'up': t('Move up'),
        'down': t('Move down'),
        'previous': t('Previous page'),
        'next': t('Next page'),
    }
