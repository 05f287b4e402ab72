"""One open claim page: what it read, how it follows the claim live, and how staff's edits get from the page into the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from html import escape
from math import ceil
from typing import Any

from nicegui import ui
from nicegui.elements.html import Html

from components.calls_panel import CallsPanel
from components.claim_desk import ClaimDesk
from components.claim_head import ClaimActions, ClaimHead, actions_of, claim_address
from components.claim_panels import ChangesBar, NoteBox, daily_explained, status_explained
from components.claim_rows import (
    SECTIONS,
    News,
    Row,
    Wording,
    choices_for,
    names_in,
    row_of,
    section_summary,
    title_of,
)
from components.claim_saving import Saving
from components.claim_section import ClaimSection, Edit
from components.claim_watch import ClaimWatchMenu
from components.clocks_card import ClocksCard
from components.documents_panel import DocumentsPanel
from components.doubts_card import DoubtsCard
from components.frame import NotFound, say
from components.links_panel import LinksPanel
from components.live import Subscription, ask, claim_topic, current_actor, live, refresh_live, words_topic, work
from components.messages_panel import MessagesPanel
from components.money_tab import MoneyTab
from components.repair_panel import RepairPanel
from components.repair_tracker import RepairTracker
from components.repair_words import Repair, read_repair
from components.shared_words import people_known_to, reference
from components.theme import section_icon
from components.timeline import history_html, timeline_html
from components.undo_toast import UndoToast
from components.words import label_of, language, t, tn
from db import values
from db.alerts import is_unseen, visit
from db.base import now
from db.changes import Change, Notice, history_of, mark_unseen, newest_change, news_since, seen_seq
from db.cheques import Cheque, next_cheque_of
from db.claims import (
    FIELDS,
    Claim,
    claim_by_no,
    mark_checked,
)
from db.clocks import Clock, SaidDay, clocks_of, set_clock_day
from db.lists import ListState, Neighbours, neighbours_of
from db.messages import Letter, ThreadKey, note_internally
from db.offices import AgentOffice, agents_of, bureau_people
from db.reference import Reference, RepairStage
from db.repairs import advance_repair, may_take_back, take_back
from db.sanity import Doubt, confirm_doubt, open_doubts
from db.scope import Can
from db.session import fetch, fetch_one
from db.watching import is_older

IN_TIMELINE = 30
HISTORY_PAGE = 50


@dataclass(frozen=True)
class Reading:
    """What the page reads of a claim each time the doorbell rings; `unseen` says whether looking at it would change anything."""

    claim: Claim
    reference: Reference
    people: Mapping[int, str]
    office: str
    history: Sequence[Change]
    news: Sequence[Change]
    unseen: bool
    repair: Repair
    doubts: Sequence[Doubt] = ()
    cheque: Cheque | None = None
    clocks: Sequence[Clock] = ()

    @property
    def newest(self) -> int:
        """The newest change it shows."""
        return max(self.claim.seq, *(change.id for change in self.history[:1]), 0)


@dataclass(frozen=True)
class Arrival:
    """The first reading, with what was seen before and where the claim stands in the list one came from."""

    reading: Reading
    seen: int
    last_visit: Any
    neighbours: Neighbours | None


def read(session: Any, claim_id: int, seen: int, most: int) -> Reading | None:
    """Read a claim anew under the asker's scope; None when he may not see it (any more)."""
    claim = session.get(Claim, claim_id)
    if claim is None:
        return None
    office = session.get(AgentOffice, claim.office_id) if session.info['actor'].is_bureau else None
    return Reading(
        claim,
        reference(session),
        people_known_to(session),
        office.name if office else '',
        fetch(session, history_of(claim_id).limit(most)),
        fetch(session, news_since(claim_id, seen, session.info['actor'].user_id)),
        is_unseen(session, claim),
        read_repair(session, claim_id),
        open_doubts(session, claim, values.israel(now()).date()),
        fetch_one(session, next_cheque_of(claim_id)),
        clocks_of(session, claim, values.israel(now()).date()),
    )


def arrive(session: Any, claim_no: str, came_from: ListState) -> Arrival | None:
    """Read a claim somebody opens, with what is new to him and its place in the list he came from."""
    claim = fetch_one(session, claim_by_no(claim_no))
    if claim is None:
        return None
    neighbours = neighbours_of(session, came_from, claim.id)
    seen, last_visit = seen_seq(session, claim.id)
    reading = read(session, claim.id, seen, HISTORY_PAGE)
    return Arrival(reading, seen, last_visit, neighbours) if reading else None


class ClaimPage:
    """The state of one open page. Parts are drawn by `overview` and `history`; everything else follows by itself."""

    def __init__(self, arrival: Arrival, came_from: ListState) -> None:
        """Take the first reading; the claim becomes the live model everything is bound to."""
        self.actor = current_actor()
        self.came_from = came_from
        self.claim = live(arrival.reading.claim)
        self.staff = self.claim.may_edit(self.actor)
        self.seen, self._last_visit, self._neighbours = arrival.seen, arrival.last_visit, arrival.neighbours
        self._reading = arrival.reading
        self.wording = self._wording_of(arrival.reading)
        self.news = self._news_of(arrival.reading)
        self.sections: dict[str, ClaimSection] = {}
        self.trackers: dict[str, RepairTracker] = {}
        self._saving = Saving(self.claim, lambda: self.wording, self.follow)
        self._unseen = False
        self._keep = f'{self.actor.user_id}.{self.claim.id}'  # whose typing it is, and where
        self._panels: dict[str, ui.element] = {}
        self._history: Html | None = None
        self._history_most = HISTORY_PAGE

    # ---- drawing ------------------------------------------------------------------------------------------------------------

    def draw(self, tab: str) -> None:
        """Draw the whole page and open a tab."""
        moment = now()
        self._root = ui.element('div').classes('mk-contents').props('data-testid=claim-page')
        with self._root:
            self._draw_head()
            for key, look, draw in (
                ('overview', 'mk-cbody', self._draw_overview),
                ('repair', 'mk-cbody mk-one', self._draw_repair),
                ('documents', 'mk-cbody mk-one', self._draw_documents),
                ('calls', 'mk-cbody mk-one', self._draw_calls),
                ('messages', 'mk-cbody mk-one', self._draw_messages),
                ('money', 'mk-cbody mk-one', self._draw_money),
                ('history', 'mk-cbody mk-one', self._draw_history),
            ):
                panel = ui.element('div').classes(look).props(f'role=tabpanel id=panel-{key} aria-labelledby=tab-{key}')
                with panel:
                    draw()
                self._panels[key] = panel
            self._bar = ClaimActions(actions_of(self.claim, staff=self.staff), self.act, bar=True)
            self._slip = UndoToast(self._take_back)
            Subscription([claim_topic(self.claim.id), words_topic()], self._answer)
        self.redraw(moment)
        self._open(tab)

    async def load(self) -> None:
        """Note the visit, and read what stands behind the other tabs: their counts are seen at once."""
        await work(visit, self.claim.id, now(), up_to=self._reading.newest)
        if await ask(newest_change, self.claim.id) > self._reading.newest:
            await self.follow()  # it changed after it was read and before anybody listened here
        await self._watch.refresh()
        await self._desk.refresh()
        await self._documents.refresh()
        await self._links.refresh()
        await self._calls.refresh()
        await self._messages.refresh()
        await self._money.refresh()

    def _draw_head(self) -> None:
        with ClaimHead(self.claim, lambda: self.wording, self.came_from) as self.head:
            self._buttons = ClaimActions(actions_of(self.claim, staff=self.staff), self.act, bar=False)
            with self.head.add_slot('watch'):
                self._watch = ClaimWatchMenu(self.claim.id)
        self.head.place(self._neighbours)
        if self.staff:
            self.head.show_hint()
        self.head.on_tab(self._choose_tab)
        self.head.on_seen(self._see)

    def _draw_overview(self) -> None:
        with ui.element('div').classes('mk-stack'):
            self.changes = ChangesBar(self._last_visit, self._mark_read)
            self._section('status', t('Status')).look(look='why', columns=2)
            self._track('overview', more=claim_address(self.claim.claim_no, self.came_from.address(), 'repair'))
            self._section('daily', t('Daily update from the claims team')).look(look='daily')
            with ui.element('div').classes('mk-cols2'):
                for section in SECTIONS:
                    self._section(section, title_of(section, self.wording.reader)).look(
                        icon=section_icon(section), unfold=section == 'insured'
                    )
        with ui.element('div').classes('mk-stack'):
            self._desk = ClaimDesk(self.claim.id)
            self._doubts = DoubtsCard(self._confirm) if self.staff else None
            self._clocks = ClocksCard(self.claim.claim_no, self._set_clock_day if self.staff else None)
            if self.actor.may(Can.SEE_INTERNAL):
                NoteBox(self._note, self._keep)
            with ui.element('aside').classes('mk-card').props(f'aria-label="{t("Activity")}"'):
                self._timeline = ui.html('')

    def _track(self, tab: str, more: str = '') -> None:
        move = self._advance if self.actor.may(Can.UPDATE_REPAIR) else None
        self.trackers[tab] = RepairTracker(self.claim, lambda: self.wording, lambda: self.news, more=more, move=move)

    def _draw_repair(self) -> None:
        self._track('repair')
        self._repair = RepairPanel(self.claim, lambda: self.wording, self.follow)
        self._links = LinksPanel(self.claim, lambda: self.wording)

    def _draw_documents(self) -> None:
        self._documents = DocumentsPanel(self.claim, self._last_visit, partial(self.head.count, 'documents'))

    def _draw_calls(self) -> None:
        self._calls = CallsPanel(self.claim, self._last_visit, partial(self.head.count, 'calls'))

    def _draw_messages(self) -> None:
        key = ThreadKey(self.claim.office_id, self.claim.id)
        self._messages = MessagesPanel(key, counted=partial(self.head.count, 'messages'))

    def _draw_money(self) -> None:
        self._money = MoneyTab(self.claim, self._count_cheques)

    def _count_cheques(self, waiting: int, *, fresh: bool) -> None:
        self.head.count('money', waiting, fresh=fresh)
        self.head.warn_of_radar(red=fresh)

    def _draw_history(self) -> None:
        with ui.element('section').classes('mk-card').props('data-testid=history'):
            self._history = ui.html('')
            self._more = ui.element('button').classes('mk-btn mk-g mk-w').props('type=button data-testid=history-more')
            self._more.on('click', self._show_more, args=[])
            with self._more:
                ui.html(t('Show more'), tag='span')

    def _section(self, section: str, title: str) -> ClaimSection:
        drawn = ClaimSection(section, title, names_in(section), self.claim, self.describe)
        if self.staff:
            drawn.editing(self.save, self._choices, self._keep)
        self.sections[section] = drawn
        return drawn

    def describe(self, name: str) -> Row | None:
        """What a row shows now."""
        today = values.israel(now()).date()
        return row_of(name, self.claim, self.wording, self.news, editable=self.staff, today=today)

    def redraw(self, moment: Any) -> None:
        """Bring everything that is not bound up to the last reading; parts send only what differs."""
        for section in self.sections.values():
            section.draw()
        for name in SECTIONS:
            shown = bool(self.sections[name]._props['fields'])
            self.sections[name].look(summary=section_summary(name, self.claim, self.wording)).set_visibility(shown)
        self.sections['status'].look(explained=status_explained(self.claim, self.wording))
        self.sections['daily'].look(explained=daily_explained(self.claim, moment, self.wording.reader))
        for tracker in self.trackers.values():
            tracker.remember(self._reading.repair)
            tracker.draw(moment)
        self._repair.draw(self._reading.repair, moment)
        self.changes.show(self.news, moment, self.wording.reader)
        if self._doubts is not None:
            self._doubts.show(self._reading.doubts, self.wording.reader)
        self._clocks.show(self._reading.clocks, self.wording.reader)
        for actions in (self._buttons, self._bar):
            actions.offer(actions_of(self.claim, staff=self.staff))
        self._redraw_record(moment)
        self.head.follow_cheque(self._reading.cheque)
        self.head.drew(self._reading.newest)

    def _redraw_record(self, moment: Any) -> None:
        record = self._reading.history
        title = f'<div class="mk-hd"><h2>{escape(t("Activity"))}</h2></div>'
        timeline = timeline_html(record[:IN_TIMELINE], self.wording, moment, self.seen)
        self._timeline.content = title + timeline + self._further_html(len(record) > IN_TIMELINE)
        if self._history is not None:
            self._history.content = history_html(record[: self._history_most], self.wording)
            self._more.set_visibility(len(record) > self._history_most)

    def _further_html(self, more: bool) -> str:
        address = escape(claim_address(self.claim.claim_no, self.came_from.address(), 'history'))
        link = f'<a class="mk-btn mk-soft" href="{address}">{escape(t("The whole history"))}</a>'
        return f'<div class="mk-bd mk-stack">{link}</div>' if more else ''

    # ---- following ----------------------------------------------------------------------------------------------------------

    async def _answer(self, _: set[Notice]) -> None:
        await self.follow()

    async def follow(self) -> None:
        """Read the claim anew and show it."""
        reading = await ask(read, self.claim.id, self.seen, self._history_most + 1)
        if self._root.is_deleted:
            return
        if reading is None:
            ui.navigate.reload()  # no longer his: the answer is the page for what is not there
            return
        if not is_older(reading.claim, self.claim):  # two answers may overtake each other
            self.take(reading)

    def take(self, reading: Reading) -> None:
        """Take over a newer reading: bound rows follow by themselves, and what others changed lights up."""
        known = self.news.newest
        self._unseen = reading.unseen
        self._reading, self.wording = reading, self._wording_of(reading)
        self.news = self._news_of(reading)
        lit = [name for change in reading.news if change.id > known for name in change.fields if name in FIELDS]
        for section in self.sections.values():
            section.glow(lit)
        refresh_live(self.claim, reading.claim)
        if lit:
            self.head.glow(lit, self._spoken(lit))
        if 'repair_stage' in lit:
            for tracker in self.trackers.values():
                tracker.glow()
        self.redraw(now())

    def _spoken(self, names: Sequence[str]) -> str:
        said = [
            f'{label_of(name, self.wording.reader)}: {self.wording.text(name, getattr(self.claim, name))}'
            for name in names
        ]
        return '. '.join(said[:3])

    def _news_of(self, reading: Reading) -> News:
        return News.of(reading.news, reading.history, reading.claim, self.actor.user_id)

    def _wording_of(self, reading: Reading) -> Wording:
        return Wording(reading.reference, reading.people, language(), reading.office)

    async def _set_clock_day(self, said: SaidDay) -> None:
        await work(set_clock_day, self.claim.id, said, now())
        await self.follow()

    async def _see(self, change_id: int) -> None:
        """What was drawn before somebody who looks counts as seen; anything else waits for him."""
        if self._unseen:
            await work(visit, self.claim.id, now(), arriving=False, up_to=change_id)
            self._unseen = change_id < self._reading.newest

    async def _mark_read(self) -> None:
        self.seen = self.claim.seq
        self.news = News(newest=self.news.newest)
        self.redraw(now())

    # ---- doing --------------------------------------------------------------------------------------------------------------

    async def act(self, key: str) -> None:
        """What the buttons of the head and of the phone's bar do."""
        if key == 'unread':
            await work(mark_unseen, self.claim.id, now())
            address = self.came_from.address()
            ui.navigate.to(f'/?{address}' if address else '/')
        elif key == 'checked':
            await work(mark_checked, self.claim.id, now())
            say(t('Noted: checked today, no change. No alert was sent.'))

    async def _advance(self, stage: str, seen: str | None) -> None:
        """Move the car on or back, and offer to take it back while the agents have not been told."""
        refresh_live(self.claim, await work(advance_repair, self.claim.id, stage, seen, now()))
        await self._offer_way_back()

    async def _offer_way_back(self) -> None:
        left, stage = await ask(may_take_back, self.claim.id, now()), self.claim.repair_stage
        self._slip.offer(left, slip_text(left, self.wording.reference.stages.get(stage or '')))

    async def _take_back(self) -> None:
        refresh_live(self.claim, await work(take_back, self.claim.id, self.claim.repair_stage, now()))
        say(t('The last update was taken back.'))

    async def _note(self, letter: Letter) -> None:
        await work(note_internally, self.claim.id, letter.body, now(), key=letter.key)

    async def _confirm(self, mark: str) -> None:
        await work(confirm_doubt, self.claim.id, mark, now())

    async def _choices(self, name: str) -> list[dict[str, Any]]:
        people: Mapping[str, Sequence[tuple[int, str]]] = {}
        if FIELDS[name].kind in ('agent', 'handler'):
            people = await ask(_people_to_choose, self.claim.office_id)
        return choices_for(name, self.claim, self.wording, people)

    async def save(self, section: ClaimSection, edit: Edit) -> None:
        """Save one field as the person asked, and answer his page: saved, refused, doubtful, or somebody was first."""
        state, message = 'bad', t('It was not saved. Please try again.')
        try:
            state, message = await self._saving.save(edit)
            if edit.name == 'repair_stage' and state == 'saved':
                await self._offer_way_back()
        finally:
            if not self._root.is_deleted:
                section.answer(edit.name, state, message)

    # ---- tabs ---------------------------------------------------------------------------------------------------------------

    async def _choose_tab(self, tab: str) -> None:
        self._open(tab)

    def _open(self, tab: str) -> None:
        self.head.activate(tab)
        for key, panel in self._panels.items():
            panel.set_visibility(key == tab)
        for key, tracker in self.trackers.items():
            tracker.come_in_sight(seen=key == tab)

    async def _show_more(self) -> None:
        self._history_most += HISTORY_PAGE
        await self.follow()


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


def _people_to_choose(session: Any, office_id: int) -> dict[str, list[tuple[int, str]]]:
    offered = {'agent': agents_of(office_id), 'handler': bureau_people()}
    return {kind: [(user.id, user.name) for user in fetch(session, people)] for kind, people in offered.items()}


async def open_claim_page(claim_no: str, list_address: Mapping[str, str], tab: str) -> None:
    """Draw the page of a claim, or answer that there is none."""
    came_from = ListState.read(list_address)
    arrival = await ask(arrive, claim_no, came_from)
    if arrival is None:
        raise NotFound
    claim = arrival.reading.claim
    shown = values.format_plate(claim.plate) if claim.plate else claim.claim_no
    ui.page_title(f'{claim.insured_name} · {shown}')
    page = ClaimPage(arrival, came_from)
    page.draw(tab)
    await page.load()


__all__ = ['ClaimPage', 'claim_address', 'open_claim_page']
