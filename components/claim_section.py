"""A section of the claim page: each row bound to its column of the live claim, drawn and edited by one browser component."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import binding
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import path_of, show_written
from components.words import said_once, t
from db.claims import FIELDS, Claim, limit_of

TYPED_AT_MOST = 6000
REASON_AT_MOST = limit_of('status_reason')


class Cells:
    """The columns a part of the page shows, each bound to the claim by push; the part lets go of them when it goes.

    One object takes the values of all of a part's columns: an object for each would weigh more than everything the page shows.
    """

    _claim: Claim
    _part: Element
    _draw: Callable[[], None] | None

    def __init__(self, part: Element, names: Sequence[str], claim: Claim, draw: Callable[[], None]) -> None:
        """Bind every name that is a column of the claim; `draw` is called inside the part, whoever set the column, but not for what it holds now."""
        kept = self.__dict__
        kept.update(_claim=claim, _part=part, _draw=None)
        for path in (path_of(name) for name in names if name in FIELDS):
            binding.bind_from(self, path, claim, path, self_strict=False)
        kept['_draw'] = draw

    def __setattr__(self, name: str, value: Any) -> None:
        """A column has a new value."""
        self.__dict__[name] = value
        if self._draw is not None:
            with self._part:
                self._draw()

    def release(self) -> None:
        """Unbind."""
        binding.remove([self])


@dataclass(frozen=True)
class Edit:
    """What the browser asks to save: a field, the stored value the person saw, what he typed, why, and whether he insists."""

    name: str
    seen: str | int | bool | None
    raw: str
    reason: str = ''
    anyway: bool = False

    @classmethod
    def read(cls, sent: object, editable: Sequence[str]) -> 'Edit | None':
        """From whatever the browser sent; None when no page of ours would send that."""
        if not isinstance(sent, dict):
            return None
        name, seen, raw, reason = (sent.get(key) for key in ('name', 'seen', 'raw', 'reason'))
        if not (isinstance(name, str) and name in editable and isinstance(raw, str) and len(raw) <= TYPED_AT_MOST):
            return None
        if not (seen is None or type(seen) in (str, int, bool)) or (
            isinstance(seen, str) and len(seen) > TYPED_AT_MOST
        ):
            return None
        reason = reason[:REASON_AT_MOST] if isinstance(reason, str) else ''
        return cls(name, seen, raw, reason, sent.get('anyway') is True)


Saver = Callable[['ClaimSection', Edit], Awaitable[None]]
Chooser = Callable[[str], Awaitable[list[dict[str, Any]]]]
Describe = Callable[[str], dict[str, Any] | None]


class ClaimSection(Element, component='claim_section.js'):
    """Rows of one category. `describe` says what a row shows now; saving is the page's business."""

    def __init__(self, section: str, title: str, names: Sequence[str], claim: Claim, describe: Describe) -> None:
        """Follow the columns of the rows; they are drawn by `draw`."""
        super().__init__()
        self.section = section
        self.names = tuple(names)
        self._describe = describe
        self._answers: dict[str, dict[str, Any]] = {}
        self._choices: dict[str, list[dict[str, Any]]] = {}
        self._glow: dict[str, int] = {}
        self.editable: Sequence[str] = ()  # the rows this person may edit
        self.is_empty = True
        self._props.update(section=section, title=title, words=_words())
        self._cells = Cells(self, self.names, claim, self.draw)

    def look(self, **props: Any) -> 'ClaimSection':
        """Set what stands around the rows (look, icon, summary, explained, columns, unfold)."""
        changed = {name: value for name, value in props.items() if self._props.get(name) != value}
        if changed:
            self._props.update(changed)
            self.update()
        return self

    def editing(self, save: Saver, choose: Chooser, keep: str) -> 'ClaimSection':
        """Let staff edit: `save` is given what was asked for, `choose` offers the choices for a field.

        The browser's tab keeps under `keep` what is being typed, so that it outlives a reload.
        """
        self._props.update(keep=keep, reasonLimit=REASON_AT_MOST)

        async def opened(event: GenericEventArguments) -> None:
            if isinstance(event.args, str) and event.args in self.editable:
                self._choices[event.args] = await choose(event.args)
                self.draw()

        async def saved(event: GenericEventArguments) -> None:
            name = event.args.get('name') if isinstance(event.args, dict) else None
            if edit := Edit.read(event.args, self.editable):
                await save(self, edit)
            elif isinstance(name, str) and name in self.editable:
                self.answer(name, 'bad', t('It was not saved. Please try again.'))

        self.on('open', opened)
        self.on('save', saved)
        return self

    def draw(self) -> None:
        """Bring the rows up to what `describe` says now; only what differs is sent."""
        rows = [self._dressed(row) for name in self.names if (row := self._describe(name))]
        self.editable, self.is_empty = tuple(row['name'] for row in rows if row.get('editable')), not rows
        show_written(self, fields=rows)

    def glow(self, names: Sequence[str]) -> None:
        """Let rows that somebody else just changed light up."""
        for name in names:
            if name in self.names:
                self._glow[name] = self._glow.get(name, 0) + 1

    def answer(self, name: str, state: str, message: str = '') -> None:
        """Answer a save: saved, bad, doubt or clash, with a reason in words."""
        turn = self._answers.get(name, {}).get('turn', 0) + 1
        self._answers[name] = {'turn': turn, 'state': state, 'message': message}
        self.draw()

    def _dressed(self, row: dict[str, Any]) -> dict[str, Any]:
        name = row['name']
        extra: dict[str, Any] = {**self._answers.get(name, {})}
        if name in self._glow:
            extra['glow'] = self._glow[name]
        if name in self._choices:
            extra['choices'] = self._choices[name]
        return {**row, **extra}

    def _handle_delete(self) -> None:
        self._cells.release()
        super()._handle_delete()


@said_once
def _words() -> Mapping[str, str]:
    return {
        'plate': t('Vehicle no.'),
        'changedTo': t('changed to'),
        'isNew': t('New value'),
        'hasNews': t('Changed since your last visit'),
        'call': t('Call'),
        'copy': t('Copy'),
        'edits': t('Enter to edit'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'saving': t('Saving…'),
        'saved': t('Saved and published'),
        'pickDay': t('Choose a date'),
        'reason': t('Why? Choose a reason or write one.'),
        'clash': t('Somebody else changed this field meanwhile. Now it says:'),
        'theirs': t('Keep theirs'),
        'mine': t('Save mine'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'longHint': t('Enter saves, Shift+Enter starts a new line.'),
    }
