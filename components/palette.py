"""The palette: a few letters lead to a claim, a colleague, an office, a firm, a view or a page; and the help for the keyboard."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from components import accesses
from components.accesses import Seen
from components.list_columns import found_text
from components.live import ask, current_actor, show_changes
from components.words import said_once, t
from db import values
from db.access_log import SEARCH
from db.list_rows import Row
from db.list_state import NO_WORD
from db.palette import Reached, reach
from db.scope import Actor
from db.texts import N_
from db.views import QUICK_VIEWS

LONGEST = 100

Item = dict[str, Any]


class Palette(Element, component='palette.js'):
    """Opens with Ctrl+K; asks as one types, and shows the answer to the newest question only."""

    def __init__(self, places: Iterable[tuple[str, str, str]]) -> None:
        """`places`: the pages the person may open, as (address, icon, label)."""
        super().__init__()
        self.actor = current_actor()
        self._places = list(places)
        self._newest = 0
        self._props.update(answer={'turn': 0, 'groups': []}, words=_words(), keys=_keys())
        self.on('ask', self._ask)

    async def _ask(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, Mapping) else {}
        turn, typed = asked.get('turn'), ' '.join(str(asked.get('text', ''))[:LONGEST].split())
        if not isinstance(turn, int) or isinstance(turn, bool) or turn <= self._newest:
            return
        self._newest = turn
        found = await ask(reach, typed)
        if turn == self._newest and not self.is_deleted:
            wordless = bool(typed) and not values.has_a_word(typed)
            if typed and not wordless:
                accesses.note(self.actor, Seen(SEARCH, typed))
            answer = {'groups': [] if wordless else self._groups(found, typed), 'told': t(NO_WORD) if wordless else ''}
            show_changes(self, {'answer': {'turn': turn, **answer}})

    def _groups(self, found: Reached, typed: str) -> list[dict[str, Any]]:
        views = [
            _item(f'view-{key}', 'bolt', t(label), f'/?{state.address()}')
            for key, (label, state) in QUICK_VIEWS.items()
        ]
        pages = [_item(f'page-{address}', icon, t(label), address) for address, icon, label in self._places]
        groups = (
            ('claims', t('Claims') if typed else t('Opened recently'), [self._claim(row) for row in found.claims]),
            ('people', t('Agents'), [_person(user.id, user.name, self.actor) for user in found.agents]),
            ('offices', t('Offices'), [_office(house.id, house.name) for house in found.offices]),
            (
                'firms',
                t('Garages, appraisers and insurers'),
                [_firm(name, firm.id, firm.name) for name, firms in found.firms.items() for firm in firms],
            ),
            (
                'views',
                t('Views'),
                [
                    *_holding(views, typed),
                    *(_item(view.key, 'bookmark', view.name, f'/?{view.address}') for view in found.views),
                ],
            ),
            ('pages', t('Pages'), _holding(pages, typed)),
            ('search', t('Search'), [_everywhere(typed)] if typed else []),
        )
        return [{'name': name, 'label': label, 'items': items} for name, label, items in groups if items]

    def _claim(self, row: Row) -> Item:
        address = f'/claims/{quote(row.claim_no, safe="")}'
        hint = ' · '.join(filter(None, (row.make_model, row.office if self.actor.is_bureau else row.tp_insurer)))
        if row.found:
            hint = found_text(row.found, self.actor.language)
        plate = values.format_plate(row.plate) if row.plate else ''
        item = _item(f'claim-{row.claim_id}', 'directions_car', row.insured_name, address, hint)
        return item | {'number': row.claim_no, 'plate': plate, 'unread': row.unread}


def _item(key: str, icon: str, label: str, href: str, hint: str = '') -> Item:
    return {'key': key, 'icon': icon, 'label': label, 'href': href, 'hint': hint}


def _person(user_id: int, name: str, actor: Actor) -> Item:
    hint = t('Claims of this agent')
    return _item(f'user-{user_id}', 'person', name, f'/?{urlencode({"view": "all", "agent": user_id})}', hint)


def _office(office_id: int, name: str) -> Item:
    address = f'/?{urlencode({"view": "all", "office": office_id})}'
    return _item(f'office-{office_id}', 'apartment', name, address, t('Claims of this office'))


_FIRMS = {
    'garage': ('garage', N_('Claims of this garage')),
    'appraiser': ('fact_check', N_('Claims of this appraiser')),
    'insurer': ('shield', N_('Claims against this insurer')),
}


def _firm(kind: str, firm_id: int, name: str) -> Item:
    icon, hint = _FIRMS[kind]
    return _item(f'{kind}-{firm_id}', icon, name, f'/?{urlencode({"view": "all", kind: firm_id})}', t(hint))


def _everywhere(typed: str) -> Item:
    label = t('Search all claims for "{text}"', text=typed)
    return _item('search', 'search', label, f'/?{urlencode({"view": "all", "q": typed})}')


def _holding(items: Iterable[Item], typed: str) -> list[Item]:
    words = values.search_words(typed)
    return [item for item in items if all(f' {word}' in f' {values.search_key(item["label"])}' for word in words)]


@said_once
def _words() -> dict[str, str]:
    return {
        'title': t('Go to'),
        'search': t('Claim, plate, client, agent, garage, view or page'),
        'results': t('Results'),
        'nothing': t('Nothing found'),
        'late': t('No answer yet. What you look for will show as soon as one comes.'),
        'close': t('Close'),
        'plate': t('Vehicle no.'),
        'unread': t('Updated since your last visit'),
        'help': t('Keyboard'),
        'foot': t('choose'),
        'open': t('open'),
    }


def keyboard() -> list[dict[str, Any]]:
    """The keys of the portal, and what each does."""
    keys = (
        (('Ctrl', 'K'), t('Go to a claim, a view or a page')),
        (('/',), t('Search in the list')),
        (('J', 'K'), t('Next and previous claim in the list')),
        (('Enter',), t('Open the claim')),
        (('Space',), t('Select the claim')),
        (('Esc',), t('Close')),
        (('?',), t('This help')),
    )
    return [{'keys': list(pressed), 'label': label} for pressed, label in keys]


_keys = said_once(keyboard)
