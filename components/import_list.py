"""The imports of the bureau: a place to drop a workbook, and every import so far with who, when and what came of it."""

from collections.abc import Mapping
from typing import Any

from nicegui.element import Element

from components.live import Subscription, ask, imports_topic, show_changes
from components.words import isolated, language, moment_text, t, tn
from db import import_runs
from db.base import now
from db.doorbell import Notice
from db.import_runs import CHECKED, DONE, DROPPED, INTERRUPTED, OUTCOMES, STATES, ImportRun
from db.session import fetch

HUES = {DONE: 'green', CHECKED: 'blue', DROPPED: 'slate'}
# while rows come and go, a few looks a second are enough
BREATH = 0.3


def state_of(run: ImportRun) -> Mapping[str, str]:
    """How far an import has come, as a chip."""
    if run.is_interrupted(now()):
        return {'label': t(INTERRUPTED), 'hue': 'red'}
    return {'label': t(STATES[run.state]), 'hue': HUES.get(run.state, 'amber')}


def came_of(counts: Mapping[str, int]) -> str:
    """What came of an import, in numbers."""
    told = [f'{t(label)}: {counts[key]:,}' for key, label in OUTCOMES.items() if counts.get(key)]
    if saved := counts.get('applied'):
        told.append(tn('one row was saved', '{n} rows were saved', saved))
    return ' · '.join(told)


class ImportList(Element, component='import_list.js'):
    """Follows all imports live."""

    def __init__(self, most_bytes: int) -> None:
        """`most_bytes`: what a workbook may weigh."""
        super().__init__()
        self._props.update(runs=[], most=most_bytes, words=_words(most_bytes // 2**20))
        with self:
            Subscription([imports_topic()], self._ring, breath=BREATH)

    async def load(self) -> None:
        """Read the imports and show what differs."""
        runs = await ask(fetch, import_runs.runs())
        show_changes(self, {'runs': [_line(run) for run in runs]})

    async def _ring(self, _: set[Notice]) -> None:
        await self.load()


def _line(run: ImportRun) -> dict[str, Any]:
    working = run.total and run.state in import_runs.WORKING
    progress = t('{done} of {total}', done=f'{run.done:,}', total=f'{run.total:,}') if working else ''
    return {
        'id': run.id,
        'name': run.file_name,
        'who': t('{name}, {when}', name=isolated(run.by), when=moment_text(run.at, now(), language())),
        'state': state_of(run),
        'came': progress or came_of(run.counts),
    }


def _words(megabytes: int) -> dict[str, str]:
    return {
        'hint': t(
            'A list of claims, or a weekly sheet of a garage or an insurer. Nothing is saved before you have seen it.'
        ),
        'drop': t('Drag a workbook here'),
        'dropHere': t('Drop it here'),
        'or': t('or'),
        'choose': t('choose a file'),
        'limit': t('xlsx or csv, up to {most} MB', most=megabytes),
        'sending': t('The file is on its way…'),
        'reading': t('The workbook is being read…'),
        'failed': t('It did not arrive. Please try again.'),
        'signedOut': t('You are signed out. Sign in and send the file again.'),
        'tooBig': t('The file is larger than {limit} MB. Please split it into smaller files.', limit=megabytes),
        'kind': t('This is not an Excel workbook. Open it in Excel and save it as .xlsx.'),
        'earlier': t('Imports so far'),
        'none': t('Nothing was imported yet.'),
        'close': t('Close'),
    }
