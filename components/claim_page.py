"""One open claim page: what it read, how it follows the claim live, and how staff's edits get from the page into the database."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from html import escape
from math import ceil
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import orjson
from nicegui import binding, ui

from components import accesses
from components.access_panel import log_address
from components.accesses import Seen
from components.calls_panel import CallLog, CallsPanel, read_calls
from components.claim_desk import ClaimDesk
from components.claim_head import TABS, ClaimActions, ClaimHead, actions_of, claim_address
from components.claim_panels import ChangesBar, NoteBox, write_sections
from components.claim_reading import Arrival, Own, Reading, arrive, read_once, read_own
from components.claim_rows import (
    News,
    Wording,
    asks_shown,
    choices_for,
)
from components.claim_saving import Saving
from components.claim_sections import ClaimSections, Edit, Written
from components.claim_watch import ClaimWatchMenu
from components.client_answer import ClientAnswer
from components.client_report import renewal_way_html
from components.clocks_card import ClocksCard
from components.documents_panel import DocumentsPanel, Shelf, read_shelf
from components.doubts_card import DoubtsCard
from components.frame import NotFound, say
from components.history_panel import HistoryPanel
from components.links_panel import LinksPanel
from components.live import (
    MISSED,
    Subscription,
    ask,
    claim_topic,
    claims_topic,
    current_actor,
    has_rung,
    jot,
    live,
    marks_topic,
    path_of,
    person_topic,
    refresh_live,
    rung,
    show_html,
    thread_topic,
    when_gone,
    words_topic,
    work,
    written_html,
)
from components.marks import icon_html
from components.messages_panel import MessagesPanel, Thread, read_thread
from components.money_tab import Money, MoneyTab, read_money
from components.repair_panel import RepairPanel
from components.repair_tracker import RepairTracker
from components.repair_words import Repair, read_repair
from components.timeline import timeline_html
from components.undo_toast import UndoToast
from components.words import first_told, label_of, language, t, tn
from db import values
from db.access_log import CLAIM, NUMBER, Asked
from db.alerts import visit
from db.base import now
from db.changes import Change
from db.claims import FIELDS, SENT_BACK, Claim, fields_for, mark_checked
from db.clocks import SaidDay, set_clock_day
from db.doorbell import Notice
from db.history import HistoryChoice
from db.links import SignedLink, links_of
from db.list_state import ListState
from db.messages import PAGE, Letter, ThreadKey, note_internally
from db.offices import agents_of, bureau_people
from db.reference import RepairStage
from db.repairs import advance_repair, may_take_back, take_back
from db.requirements import askable
from db.reveals import reveal_number
from db.sanity import confirm_doubt
from db.scope import Can
from db.seen_marks import mark_unseen
from db.session import fetch
from db.slips import may_take_status_back, take_status_back
from db.texts import ClaimError
from db.watching import is_older, take_over, twin_of

Refresh = Callable[[], Awaitable[Any]]
IN_TIMELINE = 16


class ClaimPage:
    """The state of one open page. A tab is drawn when it is opened first; everything that is drawn follows the claim by itself."""

    def __init__(self, arrival: Arrival, came_from: ListState, since: int, choice: HistoryChoice) -> None:
        """Take the first reading; the page's own copy of the claim tells it by its version that a column changed.

        `since`: see `Subscription`; `choice`: what of the history the address asks for.
        """
        self.actor = current_actor()
        self.came_from = came_from
        self._reading = arrival.reading
        self.claim = live(twin_of(arrival.reading.claim), 'version')
        self.staff = self.claim.may_edit(self.actor)
        self.seen, self._last_visit, self._neighbours = arrival.seen, arrival.last_visit, arrival.neighbours
        self._newest, self._watched = arrival.reading.newest, arrival.watched
        self._own = arrival.own
        self._since = since
        self._tab = 'overview'
        self._thread = ThreadKey(self.claim.office_id, self.claim.id)
        self.wording = self._wording_of(arrival.reading)
        self.news = self._news_of(arrival.reading, arrival.own)
        self.trackers: dict[str, RepairTracker] = {}
        self._saving = Saving(self.claim, lambda: self.wording, self.follow)
        self._looked_at = 0  # up to which change he has
        self._keep = f'{self.actor.user_id}.{self.claim.id}'  # whose typing it is, and where
        self._panels: dict[str, ui.element] = {}
        self._drawn = {'overview'}
        self._repair: RepairPanel | None = None
        self._choice = choice

    # ---- drawing ------------------------------------------------------------------------------------------------------------

    def draw(self, reading: Reading) -> None:
        """Draw the page with its first tab; of the others the places where they will be."""
        self._root = ui.element('div').classes('mk-contents').props('data-testid=claim-page')
        with self._root:
            self._draw_head()
            self._history = HistoryPanel(self.claim, lambda: self.wording, self.head, self._choice, self.follow)
            for key in TABS:
                look = 'mk-cbody' if key == 'overview' else 'mk-cbody mk-one'
                panel = ui.element('div').classes(look).props(f'role=tabpanel id=panel-{key} aria-labelledby=tab-{key}')
                self._panels[key] = panel
            with self._panels['overview']:
                self._draw_overview()
            self._bar = ClaimActions(self._actions(), self.act, bar=True)
            self._slip, self._way_back = UndoToast(self._go_back), self._take_back
            self._client_answer = ClientAnswer(self.claim)
            topics = [claim_topic(self.claim.id), thread_topic(self._thread), words_topic()]
            follower = Subscription(topics, self._answer)
            if self._may_have_changed(self._since):
                follower.ring(MISSED)
        self.redraw(reading, now())
        self._columns = Columns(self._root, self.claim, self._draw_columns)

    async def load(self, tab: str) -> None:
        """Open a tab, and note the visit."""
        await self._open(tab)
        self._looked_at, self._own = self._newest, replace(self._own, unseen=False)
        await jot(visit, self.claim.id, now(), up_to=self._newest)

    def _draw_head(self) -> None:
        with ClaimHead(self.claim, lambda: self.wording, self.came_from) as self.head:
            self._buttons = ClaimActions(self._actions(), self.act, bar=False)
            with self.head.add_slot('watch'):
                ClaimWatchMenu(self.claim.id, self._watched, self._since)
        self.head.place(self._neighbours)
        if self.staff:
            self.head.show_hint()
        self.head.on_tab(self._open)
        self.head.on_seen(self._see)

    def _draw_overview(self) -> None:
        with ui.element('div').classes('mk-stack'):
            self.changes = ChangesBar(self._last_visit, self._mark_read)
            with ClaimSections() as self.sections:
                self._track('overview', more=claim_address(self.claim.claim_no, self.came_from.address(), 'repair'))
            if self.staff:
                self.sections.editing(self.save, self._choices, self._keep)
            if self.actor.may(Can.REVEAL_ID_NUMBERS):
                self.sections.revealing(self._reveal)
        with ui.element('div').classes('mk-stack'):
            self._desk = ClaimDesk(self.claim.id, self.follow)
            self._doubts = DoubtsCard(self._confirm) if self.staff else None
            self._clocks = ClocksCard(self.claim.claim_no, self._set_clock_day if self.staff else None)
            written_html(renewal_way_html(self.claim.claim_no), ours=True).classes('mk-contents')
            if self.actor.may(Can.SEE_INTERNAL):
                NoteBox(self._note, self._keep)
            with ui.element('aside').classes('mk-card').props(f'aria-label="{t("Activity")}"'):
                self._timeline = ui.html('')

    def _track(self, tab: str, more: str = '') -> None:
        move = self._advance if self.actor.may(Can.UPDATE_REPAIR) else None
        self.trackers[tab] = RepairTracker(self.claim, lambda: self.wording, lambda: self.news, more=more, move=move)

    # what stands in a tab is drawn with what was read for it; each gives how it reads it anew

    def _draw_repair(self, found: tuple[Repair, Sequence[SignedLink]]) -> Refresh:
        repair, links = found
        self._track('repair')
        self.trackers['repair'].remember(repair)
        self.trackers['repair'].draw(now())
        self._look_at_trackers()
        self._repair = RepairPanel(self.claim, lambda: self.wording, self.follow)
        self._repair.draw(repair, now())
        panel = LinksPanel(self.claim, lambda: self.wording)
        panel.show(links)

        async def refresh() -> None:
            await self.follow()
            await panel.refresh()

        return refresh

    def _draw_documents(self, found: Shelf) -> Refresh:
        panel = DocumentsPanel(self.claim, self._last_visit)
        panel.show(found)
        return panel.refresh

    def _draw_calls(self, found: CallLog) -> Refresh:
        panel = CallsPanel(self.claim, self._last_visit)
        panel.show(found)
        return panel.refresh

    def _draw_messages(self, found: Thread) -> Refresh:
        panel = MessagesPanel(self._thread)
        panel.show(found)
        return panel.refresh

    def _draw_money(self, found: Money) -> Refresh:
        tab = MoneyTab(self.claim)
        tab.show(found)
        return tab.refresh

    def _draw_history(self, found: Sequence[Change]) -> Refresh:
        with ui.element('section').classes('mk-card').props('data-testid=history'):
            if self.actor.may(Can.VERIFY_RECORD):
                links = written_html(self._record_links_html(), ours=True)
                links.classes('mk-hd').props('data-testid=record-links')
            self._history.draw(found, self._reading.history)
        return self.follow

    def _record_links_html(self) -> str:
        """Whether the record is as it was written, for a dispute; for admins also who looked at it."""
        address = f'/claims/{quote(self.claim.claim_no, safe="")}/record'
        links = [(address, 'verified_user', t('Verify the log'), ' target="_blank" rel="noopener"')]
        if self.actor.may(Can.ADMINISTER):
            opened = log_address(Asked(claim_no=self.claim.claim_no))
            links.append((opened, 'visibility', t('Who opened this claim'), ''))
        return ''.join(
            f'<a class="mk-btn mk-s mk-sm" href="{escape(address)}"{how}>{icon_html(icon)}<span>{escape(label)}</span></a>'
            for address, icon, label, how in links
        )

    def _written(self, moment: datetime) -> Written:
        """The rows as they are now: put down once for all pages that share the reading and its news."""

        def write() -> Written:
            return write_sections(self.claim, self.wording, self.news, moment, editable=fields_for(self.actor))

        read = self._reading
        if self.claim.version != read.claim.version or self.wording.reference is not read.reference:
            return write()  # he saved something, and it was not read anew yet
        return read.said(('sections', f'{moment:%F %R}', orjson.dumps(self.news.before)), write)

    def _draw_columns(self) -> None:
        """The claim has a newer version: show its columns, wherever they stand."""
        moment = now()
        self.sections.show(self._written(moment))
        self.head.draw()
        for tracker in self.trackers.values():
            tracker.draw(moment)

    def redraw(self, reading: Reading, moment: datetime, lit: Mapping[str, str] = MappingProxyType({})) -> None:
        """Bring everything up to a reading; parts send only what differs.

        `lit`: the columns somebody else just changed, and what is said of it to whoever types there.
        """
        self.sections.show(self._written(moment), lit)
        for tracker in self.trackers.values():
            tracker.remember(reading.repair)
            tracker.draw(moment)
        if self._repair is not None:
            self._repair.draw(reading.repair, moment)
        self.changes.show(self.news, moment, self.wording.reader)
        if self._doubts is not None:
            self._doubts.show(reading.doubts, self.wording.reader)
        self._clocks.show(reading.clocks, self.wording.reader, is_open=reading.claim.is_open)
        for actions in (self._buttons, self._bar):
            actions.offer(self._actions())
        self._desk.show(reading.desk)
        self._redraw_record(reading, moment)
        self.head.note(reading.cheque, reading.author, red=reading.behind.red)
        self.head.count(reading.behind.numbers(self.actor, self._last_visit, self._own.messages))
        self.head.drew(reading.newest)

    def _redraw_record(self, reading: Reading, moment: datetime) -> None:
        record, wording = reading.history[:IN_TIMELINE], self.wording
        how = 'timeline', f'{moment:%F %R}', sum(change.id > self.seen for change in record)
        timeline = reading.said(how, lambda: timeline_html(record, wording, moment, self.seen))
        title = f'<div class="mk-hd"><h2>{escape(t("Activity"))}</h2></div>'
        further = self._further_html(len(reading.history) > IN_TIMELINE)
        show_html(self._timeline, title + timeline + further)
        self._history.show(reading.history)

    def _further_html(self, more: bool) -> str:
        address = escape(claim_address(self.claim.claim_no, self.came_from.address(), 'history'))
        link = f'<a class="mk-btn mk-soft" href="{address}">{escape(t("The whole history"))}</a>'
        return f'<div class="mk-bd mk-stack">{link}</div>' if more else ''

    # ---- following ----------------------------------------------------------------------------------------------------------

    async def _answer(self, notices: set[Notice]) -> None:
        # of what others have read of the thread, only its own panel tells
        told = [notice for notice in notices if notice.kind != 'receipt' or notice.user_id == self.actor.user_id]
        if told:
            await self.follow(own=any(notice.kind not in ('claim', 'words') for notice in told))

    def _may_have_changed(self, since: int) -> bool:
        """Whether anything rang, after it was read and before anybody listened here, that this claim may have rung for too."""
        return has_rung(
            [claims_topic(self.actor), person_topic(self.actor), marks_topic(self.actor), words_topic()], since
        )

    async def follow(self, *, own: bool = True) -> None:
        """Read the claim anew and show it. `own`: also what is the reader's own and in no record of the claim."""
        asked = None
        while asked != (self.seen, self._history.reads):  # marked as read meanwhile, or asked for more
            asked = self.seen, self._history.reads
            reading = await read_once(self.actor, self.claim.id, self._history.reads)
            mine = self._own_of(reading) if reading and not own else None
            if reading and mine is None:
                mine = await ask(read_own, self.seen, reading)
            await self._history.refresh()
            if self._root.is_deleted:
                return
        if reading is None or mine is None:
            ui.navigate.reload()  # no longer his: the answer is the page for what is not there
            return
        if not is_older(reading.claim, self.claim):  # two answers may overtake each other
            self.take(reading, mine)

    def _own_of(self, reading: Reading) -> Own | None:
        """What the record says of what is his own; None when it has to be asked for."""
        news = reading.news(self.seen, self.actor.user_id)
        if news is None:
            return None
        unseen = self._own.unseen or any(change.id > self._looked_at for change in news)
        return Own(news, self._own.messages, unseen)

    def take(self, reading: Reading, own: Own) -> None:
        """Take over a newer reading; what others changed lights up."""
        known = self.news.newest
        self._reading, self._own = reading, own
        self._newest, self.wording = reading.newest, self._wording_of(reading)
        self.news = self._news_of(reading, own)
        lit = [name for change in own.news if change.id > known for name in change.fields if name in FIELDS]
        take_over(self.claim, reading.claim)
        if lit:
            self.head.glow(lit, self._spoken(lit))
        if 'repair_stage' in lit:
            for tracker in self.trackers.values():
                tracker.glow()
        self.redraw(reading, now(), self._late_for(lit, own.news))

    def _late_for(self, lit: Sequence[str], news: Sequence[Change]) -> Mapping[str, str]:
        """Who was first, in words, by the column; for those who edit."""
        last = {name: change for change in news for name in change.fields}
        return {name: first_told(last[name], now()) if self.staff else '' for name in lit}

    def _spoken(self, names: Sequence[str]) -> str:
        said = [
            f'{label_of(name, self.wording.reader)}: {self.wording.text(name, getattr(self.claim, name))}'
            for name in names
        ]
        return '. '.join(said[:3])

    def _news_of(self, reading: Reading, own: Own) -> News:
        return News.of(own.news, reading.history, reading.claim, self.actor.user_id)

    def _wording_of(self, reading: Reading) -> Wording:
        return Wording(reading.reference, reading.people, language(), reading.office)

    async def _set_clock_day(self, said: SaidDay) -> None:
        await work(set_clock_day, self.claim.id, said, now())
        await self.follow()

    async def _see(self, change_id: int) -> None:
        """What was drawn before somebody who looks counts as seen; anything else waits for him."""
        if self._own.unseen:
            self._looked_at = max(self._looked_at, change_id)
            await jot(visit, self.claim.id, now(), arriving=False, up_to=change_id)
            self._own = replace(self._own, unseen=change_id < self._newest)

    async def _mark_read(self) -> None:
        self.seen = self.claim.seq
        await self.follow()

    # ---- doing --------------------------------------------------------------------------------------------------------------

    def _actions(self) -> list[dict[str, Any]]:
        return actions_of(
            self.claim,
            staff=self.staff,
            writes=self.actor.may(Can.WRITE_MESSAGE),
            logs=self.actor.may(Can.LOG_CALL),
        )

    async def act(self, key: str) -> None:
        """What the buttons of the head and of the phone's bar do."""
        if key == 'unread':
            await work(mark_unseen, self.claim.id, now())
            address = self.came_from.address()
            ui.navigate.to(f'/?{address}' if address else '/')
        elif key == 'answer':
            await self._client_answer.open()
        elif key == 'checked':
            await work(mark_checked, self.claim.id, now())
            say(t('Noted: checked today, no change. No alert was sent.'))

    async def _advance(self, stage: str, seen: str | None) -> None:
        """Move the car on or back, and offer to take it back while the agents have not been told."""
        refresh_live(self.claim, await work(advance_repair, self.claim.id, stage, seen, now()))
        await self._offer_way_back()

    async def _offer_way_back(self) -> None:
        left, stage = await ask(may_take_back, self.claim.id, now()), self.claim.repair_stage
        self._way_back = self._take_back
        self._slip.offer(left, slip_text(left, self.wording.reference.stages.get(stage or '')))

    async def _offer_status_back(self) -> None:
        left = await ask(may_take_status_back, self.claim.id, now())
        self._way_back = self._take_status_back
        self._slip.offer(left, status_slip_text(ceil(left.total_seconds() / 60)) if left else '')

    async def _go_back(self) -> None:
        await self._way_back()

    async def _take_status_back(self) -> None:
        refresh_live(self.claim, await work(take_status_back, self.claim.id, self.claim.status, now()))
        say(t('The last update was taken back.'))

    async def _take_back(self) -> None:
        refresh_live(self.claim, await work(take_back, self.claim.id, self.claim.repair_stage, now()))
        say(t('The last update was taken back.'))

    async def _note(self, letter: Letter) -> None:
        await work(note_internally, self.claim.id, letter.body, now(), key=letter.key)

    async def _confirm(self, mark: str) -> None:
        await work(confirm_doubt, self.claim.id, mark, now())

    async def _reveal(self, name: str) -> str:
        """A number that he reads through a mask. What was refused stands in the log of access too."""
        try:
            return await work(reveal_number, self.claim.id, name, now())
        except ClaimError:
            accesses.note(self.actor, Seen(NUMBER, name, self.claim.claim_no, granted=False))
            raise

    async def _choices(self, name: str) -> list[dict[str, Any]]:
        people: Mapping[str, Sequence[tuple[int, str]]] = {}
        if FIELDS[name].kind in ('agent', 'handler'):
            people = await ask(_people_to_choose, self.claim.office_id)
        choices = choices_for(name, self.claim, self.wording, people)
        if name == 'status':
            asks = asks_shown(await ask(askable, self.claim.id), self.wording.reader)
            choices = [{**choice, 'asks': asks} if choice['value'] == SENT_BACK else choice for choice in choices]
        return choices

    async def save(self, edit: Edit) -> None:
        """Save one field as the person asked, and answer his page: saved, refused, doubtful, or somebody was first."""
        state, message = 'bad', t('It was not saved. Please try again.')
        try:
            state, message = await self._saving.save(edit)
            if edit.name == 'repair_stage' and state == 'saved':
                await self._offer_way_back()
            if edit.name == 'status' and state == 'saved':
                await self._offer_status_back()
        finally:
            if not self._root.is_deleted:
                self.sections.answer(edit.name, state, message)

    # ---- tabs ---------------------------------------------------------------------------------------------------------------

    async def _open(self, tab: str) -> None:
        self.head.activate(tab)
        for key, panel in self._panels.items():
            panel.set_visibility(key == tab)
        self._tab = tab
        self._look_at_trackers()
        if tab not in self._drawn:
            self._drawn.add(tab)
            try:
                await self._draw_tab(tab)
            except BaseException:
                self._panels[tab].clear()  # another click tries again
                self._drawn.discard(tab)
                raise

    def _look_at_trackers(self) -> None:
        for key, tracker in self.trackers.items():
            tracker.come_in_sight(seen=key == self._tab)

    async def _draw_tab(self, tab: str) -> None:
        question, draw = self._further_tabs[tab]
        since, found = rung(), await ask(question)
        if self._root.is_deleted:
            return
        if found is None:
            ui.navigate.reload()
            return
        with self._panels[tab]:
            refresh = draw(found)
        if self._may_have_changed(since):
            await refresh()

    @property
    def _further_tabs(self) -> Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Refresh]]]:
        claim_id, today = self.claim.id, values.israel(now()).date()
        return {
            'repair': (partial(_read_repair, claim_id=claim_id), self._draw_repair),
            'documents': (partial(read_shelf, claim_id=claim_id), self._draw_documents),
            'calls': (partial(read_calls, claim_id=claim_id), self._draw_calls),
            'messages': (partial(read_thread, key=self._thread, limit=PAGE), self._draw_messages),
            'money': (partial(read_money, claim_id=claim_id, today=today), self._draw_money),
            'history': (self._history.question, self._draw_history),
        }


class Columns:
    """Bound to the version of a page's claim: no column of it changes without, and what NiceGUI keeps for each weighs more than a row."""

    def __init__(self, part: ui.element, claim: Claim, draw: Callable[[], None]) -> None:
        """`draw` is called inside the part, whoever stored the change, but not for what the claim holds now."""
        self._part, self._draw, self._version = part, draw, claim.version
        binding.bind_from(self, path_of('version'), claim, path_of('version'))
        when_gone(part, partial(binding.remove, [self]))

    @property
    def version(self) -> int:
        """Which version is shown."""
        return self._version

    @version.setter
    def version(self, version: int) -> None:
        if version != self._version:
            self._version = version
            with self._part:
                self._draw()


def _read_repair(session: Any, claim_id: int) -> tuple[Repair, Sequence[SignedLink]]:
    return read_repair(session, claim_id), fetch(session, links_of(claim_id))


def slip_text(left: timedelta | None, stage: RepairStage | None) -> str:
    """What was done, and when the office hears of it, if it does."""
    if left is None or stage is None or not stage.alerts:
        return t('The stage was updated.')
    minutes = ceil(left.total_seconds() / 60)
    return tn(
        'The stage was updated. The office is alerted in a minute.',
        'The stage was updated. The office is alerted in {n} minutes.',
        minutes,
    )


def status_slip_text(minutes: int) -> str:
    """What was done, and for how long there is a way back."""
    return tn(
        'The status was updated and is on all screens. It can be taken back for a minute.',
        'The status was updated and is on all screens. It can be taken back for {n} minutes.',
        minutes,
    )


def _people_to_choose(session: Any, office_id: int) -> dict[str, list[tuple[int, str]]]:
    offered = {'agent': agents_of(office_id), 'handler': bureau_people()}
    return {kind: [(user.id, user.name) for user in fetch(session, people)] for kind, people in offered.items()}


async def open_claim_page(claim_no: str, list_address: Mapping[str, str], tab: str, choice: HistoryChoice) -> None:
    """Draw the page of a claim, or answer that there is none."""
    came_from, since = ListState.read(list_address), rung()
    arrival = await ask(arrive, claim_no, came_from)
    accesses.note(current_actor(), Seen(CLAIM, claim_no=claim_no, granted=arrival is not None))
    if arrival is None:
        raise NotFound
    claim = arrival.reading.claim
    shown = values.format_plate(claim.plate) if claim.plate else claim.claim_no
    ui.page_title(f'{claim.insured_name} · {shown}')
    page = ClaimPage(arrival, came_from, since, choice)
    page.draw(arrival.reading)
    await page.load(tab)


__all__ = ['ClaimPage', 'claim_address', 'open_claim_page']
