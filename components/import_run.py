"""One import, from its columns to what was saved: everybody who looks at it sees the same, and may go on where another left it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.answering import answering
from components.import_list import BREATH, came_of, state_of
from components.live import Subscription, ask, imports_topic, show_changes, work
from components.shared_words import people_known_to
from components.words import isolated, label_of, language, moment_text, said_once, t, tn, value_text
from db import import_runs, texts, values
from db.base import now
from db.cheques import DIRECTIONS
from db.claims import FIELDS
from db.doorbell import Notice
from db.import_runs import (
    CHECKED,
    CHECKING,
    COMMITTING,
    DONE,
    MODES,
    NEW,
    OUTCOMES,
    READY,
    REFUSED,
    ROWS_SHOWN,
    UPDATED,
    ImportRow,
    ImportRun,
)
from db.import_words import INSURER, OFFICE, STAGE, STATUS, meanings
from db.reference import Reference, reference
from db.session import fetch, fetch_one
from db.texts import N_

ROWS_AT_MOST = 1000
WARNED = 'warned'
_ICONS = {
    NEW: 'add_circle',
    UPDATED: 'published_with_changes',
    'same': 'check_circle',
    REFUSED: 'error',
    WARNED: 'warning',
}
# columns of a workbook that are no field of a claim
_LABELS = {
    'office': N_('Office'),
    'updated': N_('Updated'),
    'remarks': N_('Remarks'),
    'cheque_no': N_('Cheque number'),
    'cheque_amount': N_('Cheque amount'),
    'cheque_due': N_('Cheque due'),
    'cheque_direction': N_('Who pays whom with the cheque'),
    'note': N_('Internal note'),
}
_OF_CHEQUE: Mapping[str, Callable[[Any, str], str]] = {
    'cheque_amount': values.format_money,
    'cheque_due': lambda day, _: values.format_day(date.fromisoformat(day)),
    'cheque_direction': lambda direction, reader: texts.t(DIRECTIONS[direction], reader),
}
_SIDES = {'insured_': N_('Insured'), 'tp_': N_('Third party')}
_WHY = {
    'said': N_('As the bureau chose the last time'),
    'known': N_('A known heading'),
    '': N_('Not known, and not read'),
}
# who is named here and does not exist yet
_ADDED = {
    'new_office': N_('A new office will be opened'),
    'new_agent': N_('A new agent, without sign-in'),
    'new_garage': N_('A new garage'),
    'new_appraiser': N_('A new appraiser'),
}
# a name that would be a new office may be one that exists
_TAUGHT_AS = {**{kind: kind for kind in (STATUS, STAGE, INSURER, OFFICE)}, 'new_office': OFFICE}


@dataclass(frozen=True)
class Engine:
    """What the page lends this part of the work behind an import, which components do not know."""

    columns: Sequence[str]
    layout: Callable[..., dict[str, Any]]
    settle: Callable[..., str]
    teach: Callable[..., str]
    begin: Callable[[int, str, str], None]
    told: Callable[[Sequence[Mapping[str, Any]], str], str]
    told_of: Callable[[ImportRun, ImportRow], str]


@dataclass(frozen=True)
class _Read:
    """What the screen reads of an import."""

    run: ImportRun
    earlier: ImportRun | None
    counts: Mapping[str, int]
    forgotten: bool
    layout: Mapping[str, Any] | None
    rows: Sequence[ImportRow]
    reference: Reference
    people: Mapping[int, str]
    choices: Mapping[str, Mapping[str, str]]


class ImportScreen(Element, component='import_run.js'):
    """Follows one import live, and gives the orders about it."""

    def __init__(self, run_id: int, engine: Engine) -> None:
        """`load` fills it."""
        super().__init__()
        self._run_id, self._engine = run_id, engine
        self._outcome, self._most = '', ROWS_SHOWN
        self._place: tuple[int, int] | None = None
        self._editing = False
        self._words: set[tuple[str, str]] = set()
        self._state, self._asked, self._reader = '', 0, language()
        self._props.update(run={}, form=None, outcomes=[], rows=[], more=False, unknown=[], added=[], answer=None,
                           choices={}, words=_words())  # fmt: skip
        answers = {'place': self._choose_place, 'show': self._show, 'check': self._check, 'teach': self._teach,
                   'order': self._order}  # fmt: skip
        for kind, answer in answers.items():
            self.on(kind, answer)
        with self:
            Subscription([imports_topic()], self._ring, breath=BREATH)

    async def load(self) -> bool:
        """Read the import and show what differs; whether it is there."""
        self._asked += 1
        mine = self._asked
        read = await ask(self._read)
        if read is None:
            return False
        if mine == self._asked and not self.is_deleted:  # a later look shows what is newer
            show_changes(self, self._shown(read))
        return True

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()

    def _read(self, session: Any) -> _Read | None:
        run = session.get(ImportRun, self._run_id)
        if run is None:
            return None
        if run.state != self._state:
            self._follow(run)
        columns = run.state == READY or (run.state == CHECKED and self._editing)
        place = self._place or (run.sheet, run.heading_row)
        counts = import_runs.counts_of_run(session, run)
        forgotten = not any(counts.values()) and any(run.counts.values())
        if forgotten:  # what came of the rows is not
            counts = run.counts
        rows = fetch(session, import_runs.rows_with(run, self._outcome).limit(self._most + 1)) if self._outcome else []
        return _Read(
            run,
            fetch_one(session, import_runs.earlier_runs_of(run).limit(1)),
            counts,
            forgotten,
            self._engine.layout(session, run.id, *place) if columns else None,
            rows,
            reference(session),
            people_known_to(session),
            {kind: meanings(session, kind, self._reader) for kind in (STATUS, STAGE, INSURER, OFFICE)}
            if run.words
            else {},
        )

    def _follow(self, run: ImportRun) -> None:
        """Another step has begun, here or on somebody else's page."""
        self._state, self._editing, self._most = run.state, False, ROWS_SHOWN
        if run.state in (CHECKED, DONE):
            found = run.counts
            self._outcome = next((key for key in (REFUSED, UPDATED, NEW, 'same') if found.get(key)), REFUSED)
        else:
            self._outcome = ''

    # ---- what was clicked -------------------------------------------------------------------------------------------------

    async def _choose_place(self, event: GenericEventArguments) -> None:
        sent = event.args if isinstance(event.args, dict) else {}
        sheet, heading = sent.get('sheet'), sent.get('heading')
        if type(sheet) is int and type(heading) is int and 0 <= sheet < 100 and 0 <= heading < 10**6:
            self._place = (sheet, heading)
            await self.load()

    async def _show(self, event: GenericEventArguments) -> None:
        if event.args == 'more':
            self._most = min(self._most + ROWS_SHOWN, ROWS_AT_MOST)
        elif event.args in (*OUTCOMES, WARNED):
            self._outcome, self._most = str(event.args), ROWS_SHOWN
        await self.load()

    async def _check(self, event: GenericEventArguments) -> None:
        """The columns are settled: look at every row."""
        sent = event.args if isinstance(event.args, dict) else {}
        given = sent.get('columns') if isinstance(sent.get('columns'), dict) else {}
        fields = {
            int(index): name
            for index, name in (given or {}).items()
            if isinstance(index, str) and index.isdecimal() and len(index) < 4 and name in self._engine.columns
        }
        form = self._props['form'] or {}
        place = (int(form.get('sheet', 0)), int(form.get('heading', 0)))
        await self._step(
            CHECKING, lambda: work(self._engine.settle, self._run_id, str(sent.get('mode')), place, fields)
        )

    async def _teach(self, event: GenericEventArguments) -> None:
        """Words got a meaning: remember them, and look at every row again."""
        sent = event.args if isinstance(event.args, list) else []
        said = {
            (_TAUGHT_AS[one['kind']], one['word']): one['meaning']
            for one in sent
            if isinstance(one, dict)
            and (one.get('kind'), one.get('word')) in self._words
            and isinstance(one.get('meaning'), str)
        }
        if said:
            await self._step(CHECKING, lambda: work(self._engine.teach, self._run_id, said))

    async def _order(self, event: GenericEventArguments) -> None:
        if event.args == 'commit':
            await self._step(COMMITTING, lambda: work(import_runs.take, self._run_id, COMMITTING, now()))
        elif event.args == 'resume' and self._state in (CHECKING, COMMITTING):
            step = self._state
            await self._step(step, lambda: work(import_runs.take, self._run_id, step, now()))
        elif event.args == 'stop':
            await self._step('', lambda: work(import_runs.stop, self._run_id))
        elif event.args == 'drop':
            await self._step('', lambda: work(import_runs.drop, self._run_id, now()))
        elif event.args == 'edit':
            self._editing = not self._editing
            await self.load()

    async def _step(self, step: str, take: Callable[[], Any]) -> None:
        """Take a step and begin its work; a refusal stands on the page, and what was chosen stays."""
        with answering(self) as answer:
            try:
                token = await take()
                answer['message'] = ''
                if step:
                    self._engine.begin(self._run_id, token, step)
                    self._place = None
            finally:
                await self.load()

    # ---- what the browser draws -------------------------------------------------------------------------------------------

    def _shown(self, read: _Read) -> dict[str, Any]:
        run, counts = read.run, read.counts
        self._words = {(word['kind'], word['word']) for word in run.words if word['kind'] in _TAUGHT_AS}
        open_ = run.state == CHECKED
        return {
            'run': self._head(read),
            'form': self._form(read),
            'outcomes': [
                {
                    'key': key,
                    'label': t(label),
                    'count': counts.get(key, 0),
                    'icon': _ICONS[key],
                    'on': key == self._outcome,
                }
                for key, label in {**OUTCOMES, WARNED: N_('Worth a look')}.items()
            ]
            if run.state in (CHECKED, DONE)
            else [],
            'rows': [self._row(row, read) for row in read.rows[: self._most]],
            'more': len(read.rows) > self._most < ROWS_AT_MOST,
            'unknown': [_word(word) for word in run.words if word['kind'] in (STATUS, STAGE, INSURER, OFFICE)]
            if open_
            else [],
            'added': [_word(word) for word in run.words if word['kind'] in _ADDED] if open_ else [],
            'choices': {
                kind: [[key, label] for key, label in read.choices[taught].items()]
                for kind, taught in _TAUGHT_AS.items()
                if read.choices
            },
        }

    def _head(self, read: _Read) -> dict[str, Any]:
        run, reader = read.run, language()
        waiting = read.counts.get(NEW, 0) + read.counts.get(UPDATED, 0) - read.counts.get('applied', 0)
        about = [
            t('{name}, {when}', name=isolated(run.by), when=moment_text(run.at, now(), reader)),
            t(MODES[run.mode]),
        ]
        if run.committed_at:
            about.append(
                t(
                    'Saved by {name}, {when}',
                    name=isolated(run.committed_by),
                    when=moment_text(run.committed_at, now(), reader),
                )
            )
        same = read.earlier if run.state != DONE else None
        return {
            'name': run.file_name,
            'about': ' · '.join(about),
            'state': state_of(run),
            'step': run.state,
            'interrupted': run.is_interrupted(now()),
            'done': run.done,
            'total': run.total,
            'progress': t('{done} of {total}', done=f'{run.done:,}', total=f'{run.total:,}') if run.total else '',
            'came': came_of(read.counts),
            'save': tn('Save one row', 'Save {n} rows', waiting) if waiting else '',
            'kept': read.counts.get('applied', 0),
            'refusedHref': f'/files/imports/{run.id}/refused'
            if read.counts.get(REFUSED) and run.state in (CHECKED, DONE) and not read.forgotten
            else '',
            'forgotten': read.forgotten,
            'earlier': t(
                'The very same file was saved already, {when}, by {name}. Another import changes only what differs.',
                when=moment_text(same.committed_at, now(), reader),
                name=same.committed_by,
            )
            if same and same.committed_at
            else '',
        }

    def _form(self, read: _Read) -> dict[str, Any] | None:
        if read.layout is None:
            return None
        run, layout = read.run, read.layout
        columns = [
            {**column, 'why': t(_WHY[column['why']]), 'read': bool(column['field'])} for column in layout['columns']
        ]
        return {
            'mode': run.mode,
            'modes': [[key, t(label)] for key, label in MODES.items()],
            'sheets': list(enumerate(run.sheets)),
            'sheet': (self._place or (run.sheet, 0))[0],
            'heading': layout['heading'],
            'headings': layout['headings'],
            'columns': columns,
            'fields': [[name, _column_label(name)] for name in self._engine.columns],
        }

    def _row(self, row: ImportRow, read: _Read) -> dict[str, Any]:
        reader = language()
        shown = [*(('red', 'error', one) for one in row.faults), *(('amber', 'warning', one) for one in row.warnings)]
        return {
            'number': row.number,
            'claim': row.claim_no,
            'href': f'/claims/{quote(row.claim_no, safe="")}'
            if row.applied or row.outcome in (UPDATED, 'same')
            else '',
            'told': self._engine.told_of(read.run, row),
            'chip': {'label': t('Saved'), 'hue': 'green'} if row.applied else None,
            'said': [
                {'hue': hue, 'icon': icon, 'text': self._engine.told([_named(one, reader)], reader)}
                for hue, icon, one in shown
            ],
            'changes': [
                {
                    'label': t(_LABELS[name]) if name in _LABELS else label_of(name, reader),
                    'before': before,
                    'after': after,
                }
                for name, pair in row.changes.items()
                for before, after in [[_value(name, value, read, reader) for value in pair]]
            ],
        }


def _named(remark: Mapping[str, Any], reader: str) -> Mapping[str, Any]:
    """A remark about a field the file has no column for is told with the field's own name."""
    column = remark['column']
    return {**remark, 'column': label_of(column[6:], reader)} if column.startswith('field:') else remark


def _value(name: str, value: Any, read: _Read, reader: str) -> str:
    """A value as people read it; somebody who is still to be added stands there by his name."""
    if isinstance(value, str) and name in FIELDS and FIELDS[name].kind in ('agent', 'garage', 'appraiser'):
        return value
    if value is not None and name in _OF_CHEQUE:
        return _OF_CHEQUE[name](value, reader)
    return value_text(name, value, read.reference, read.people, reader)


def _column_label(name: str) -> str:
    """What a field is called, and whose it is: both sides have names, phones and vehicles."""
    if name in _LABELS:
        return t(_LABELS[name])
    side = next((t(words) for start, words in _SIDES.items() if name.startswith(start)), '')
    return f'{side}: {label_of(name, language())}' if side else label_of(name, language())


def _word(word: Mapping[str, Any]) -> dict[str, Any]:
    kind, meaning = word['kind'], word['meaning']
    if kind in _ADDED:
        told = t(_ADDED[kind])
    elif meaning == '-':
        told = t('Not known: its rows are refused')
    elif meaning:
        told = t('Was understood as «{meaning}»', meaning=meaning)
    else:
        told = t('Not known: it is kept in the internal note')
    rows = texts.tn('one row', '{n} rows', word['rows'], language())
    return {
        'kind': kind,
        'column': word['column'],
        'word': word['word'],
        'told': told,
        'rows': rows,
        'bad': meaning == '-',
    }


@said_once
def _words() -> dict[str, str]:
    return {
        'back': t('All imports'),
        'columns': t('What stands in each column'),
        'columnsHint': t('The bureau’s choice is remembered for the next workbook with these headings.'),
        'mode': t('What to do'),
        'sheet': t('Sheet'),
        'heading': t('Row of headings'),
        'row': t('Row {number}', number='{number}'),
        'notRead': t('Not read'),
        'column': t('Column {number}', number='{number}'),
        'check': t('Check the rows'),
        'checkHint': t('Nothing is saved yet.'),
        'drop': t('Cancel this import'),
        'sure': t('Sure? Press again'),
        'stop': t('Stop'),
        'stopHint': t('You may leave this page. The work goes on, and is found here again.'),
        'interrupted': t('The work was interrupted. What was saved is saved; it goes on where it stopped.'),
        'unread': t('The file did not arrive whole. Please send it again.'),
        'resume': t('Go on'),
        'edit': t('Change the columns'),
        'nothing': t('There is nothing to save'),
        'stopped': t('Part of it was saved, and the rest was stopped. Saving goes on where it stopped.'),
        'refused': t('Download the refused rows'),
        'refusedHint': t('Correct the cells there and send that file: its rows are taken then.'),
        'unknown': t('Words that were not plain'),
        'unknownHint': t('Say once what a word means, and every later file is understood.'),
        'means': t('What does «{word}» mean?', word='{word}'),
        'leave': t('Leave as it is'),
        'newOffice': t('A new office'),
        'teach': t('Remember and check again'),
        'added': t('Will be added'),
        'result': t('Row by row'),
        'none': t('No rows here.'),
        'forgotten': t('The rows themselves are forgotten after thirty days; what came of them stays.'),
        'more': t('Show more'),
        'became': t('changed to'),
    }
