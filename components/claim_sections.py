"""The sections of the claim page: all its rows, drawn and edited by one browser component, and sent section by section."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components.live import written
from components.words import said_once, t
from db.claims import limit_of
from db.masks import ID_NUMBERS

TYPED_AT_MOST, TICKED_AT_MOST = 6000, 200
REASON_AT_MOST = limit_of('status_reason')


@dataclass(frozen=True)
class Edit:
    """What the browser asks to save: a field, the stored value the person saw, what he typed, why, whether he insists,
    and of a claim that was sent back which kinds of documents were asked for."""

    name: str
    seen: str | int | bool | None
    raw: str
    reason: str = ''
    anyway: bool = False
    asked: tuple[str, ...] = ()

    @classmethod
    def read(cls, sent: object, editable: Collection[str]) -> 'Edit | None':
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
        return cls(name, seen, raw, reason, sent.get('anyway') is True, _ticked(sent.get('asked')))


def _ticked(sent: object) -> tuple[str, ...]:
    ticked = sent[:TICKED_AT_MOST] if isinstance(sent, list) else []
    return tuple(kind for kind in ticked if isinstance(kind, str) and len(kind) <= TYPED_AT_MOST)


@dataclass(frozen=True)
class Written:
    """Sections as they travel: the same for all pages that show the same. `editable`: the rows that may be edited; `rows`: all there are."""

    sections: Mapping[str, bytes]
    parts: Mapping[str, orjson.Fragment]
    editable: frozenset[str]
    rows: frozenset[str]

    @classmethod
    def of(cls, sections: Mapping[str, Mapping[str, Any]]) -> 'Written':
        """From what each section shows: its `fields`, and what stands around them."""
        rows = [row for section in sections.values() for row in section['fields']]
        editable = frozenset(row['name'] for row in rows if row.get('editable'))
        texts = {name: written(section) for name, section in sections.items()}
        parts = {name: orjson.Fragment(text) for name, text in texts.items()}
        return cls(texts, parts, editable, frozenset(row['name'] for row in rows))

    def but(self, other: 'Written') -> dict[str, orjson.Fragment]:
        """What the other one does not show like this."""
        if self is other:
            return {}
        return {name: self.parts[name] for name, text in self.sections.items() if other.sections.get(name) != text}


Saver = Callable[[Edit], Awaitable[None]]
Chooser = Callable[[str], Awaitable[list[dict[str, Any]]]]
Revealer = Callable[[str], Awaitable[str]]


class ClaimSections(Element, component='claim_sections.js'):
    """The rows of a claim by category; what stands in it is drawn between the first one and the others. Saving is the page's business."""

    def __init__(self) -> None:
        """Empty, until `show`."""
        super().__init__()
        self._shown: Written | None = None
        self._touched: dict[str, dict[str, Any]] = {}
        self._untold: dict[str, dict[str, Any]] = {}
        self._props.update(touched={}, words=_words())

    def editing(self, save: Saver, choose: Chooser, keep: str) -> None:
        """Let staff edit: `save` is given what was asked for, `choose` offers the choices for a field.

        The browser's tab keeps under `keep` what is being typed, so that it outlives a reload.
        """
        self._props.update(keep=keep, reasonLimit=REASON_AT_MOST)

        async def opened(event: GenericEventArguments) -> None:
            if isinstance(event.args, str) and event.args in self.editable:
                self._touch(event.args, choices=await choose(event.args))
                self._tell({})

        async def saved(event: GenericEventArguments) -> None:
            name = event.args.get('name') if isinstance(event.args, dict) else None
            if edit := Edit.read(event.args, self.editable):
                await save(edit)
            elif isinstance(name, str) and name in self.editable:
                self.answer(name, 'bad', t('It was not saved. Please try again.'))

        self.on('open', opened)
        self.on('save', saved)

    def revealing(self, reveal: Revealer) -> None:
        """Let somebody have a masked number shown, on this page alone: `reveal` gives it, or refuses."""
        under_way: set[str] = set()

        async def asked(event: GenericEventArguments) -> None:
            name = event.args
            if name not in ID_NUMBERS or name in under_way:
                return
            under_way.add(name)
            try:
                before = self._lit(name)
                whole = await reveal(name)
                if self._lit(name) == before:  # or it changed meanwhile, and this is not what stands there now
                    self._touch(name, whole=whole)
            finally:
                under_way.discard(name)
            self._tell({})

        self.on('reveal', asked)

    @property
    def editable(self) -> frozenset[str]:
        """The rows this person may edit."""
        return self._shown.editable if self._shown else frozenset()

    def show(self, written: Written, lit: Mapping[str, str] = MappingProxyType({})) -> None:
        """Show the rows as they are now; only sections that differ are sent.

        What somebody else just changed lights up, with the words for whoever is typing there.
        """
        for name in written.rows.intersection(lit):
            # a number that was shown here is not the one that stands there now
            self._touch(name, glow=self._lit(name) + 1, whole='', clash=lit[name])
        before, self._shown = self._shown, written
        if before is None:
            self._props['sections'] = written.parts
        elif (different := written.but(before)) or self._untold:
            self._tell(different)

    def answer(self, name: str, state: str, message: str = '') -> None:
        """Answer a save: saved, bad, doubt or clash, with a reason in words."""
        turn = self._touched.get(name, {}).get('turn', 0) + 1
        clash = {'clash': message} if state == 'clash' else {}
        self._touch(name, turn=turn, state=state, message=message, **clash)
        self._tell({})

    def _lit(self, name: str) -> int:
        glow: int = self._touched.get(name, {}).get('glow', 0)
        return glow

    def _touch(self, name: str, **extra: Any) -> None:
        self._untold[name] = {**self._touched.get(name, {}), **extra}
        self._touched = {**self._touched, **self._untold}

    def _tell(self, different: Mapping[str, orjson.Fragment]) -> None:
        """A few sections are a fraction of what the element weighs as a whole; that is kept in case it is drawn anew."""
        with self._props.suspend_updates():
            self._props.update(sections=self._shown.parts if self._shown else {}, touched=self._touched)
        touched, self._untold = self._untold, {}
        _sent = self.run_method('show', different, touched)  # nobody waits for the browser


@said_once
def _words() -> Mapping[str, str]:
    return {
        'plate': t('Vehicle no.'),
        'changedTo': t('changed to'),
        'isNew': t('New value'),
        'hasNews': t('Changed since your last visit'),
        'call': t('Call'),
        'way': t('Navigate to'),
        'copy': t('Copy'),
        'reveal': t('Show the number'),
        'edits': t('Enter to edit'),
        'save': t('Save'),
        'cancel': t('Cancel'),
        'saving': t('Saving…'),
        'saved': t('Saved and published'),
        'pickDay': t('Choose a date'),
        'reason': t('Why? Choose a reason or write one.'),
        'asked': t('Which documents did the insurer ask for?'),
        'askedWhy': t('A reason of your own, where the documents are not the whole of it'),
        'clash': t('Somebody else changed this field meanwhile.'),
        'present': t('Now it says:'),
        'theirs': t('Keep theirs'),
        'mine': t('Save mine'),
        'late': t('No answer came. What you typed is kept here; please save it again.'),
        'longHint': t('Enter saves, Shift+Enter starts a new line.'),
    }
