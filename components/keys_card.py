"""A person's API keys on the page of his account: which there are, until when, when each was used last, and the way to revoke one."""

from collections.abc import Sequence
from html import escape

from components.marks import chip_html, icon_html, num_html
from components.words import isolated, t
from db import values
from db.api_keys import OwnKey

NEW_KEY = '/account/keys'


def keys_html(keys: Sequence[OwnKey]) -> str:
    """The inside of the card."""
    told = t(
        'A program of the office reads by a key what you may read here, and changes nothing. A new password ends all keys.'
    )
    listed = f'<ul class="mk-akeys">{"".join(map(_key_html, keys))}</ul>' if keys else ''
    empty = '' if keys else f'<p class="mk-t3">{escape(t("There is no key yet."))}</p>'
    return (
        f'<div class="mk-hd">{icon_html("key", "mk-lead")}<h2>{escape(t("API keys"))}</h2></div>'
        f'<div class="mk-bd mk-stack" data-testid="api-keys"><p class="mk-t2">{escape(told)}</p>{listed}{empty}<div class="mk-row">'
        f'<a class="mk-btn mk-s" href="{NEW_KEY}" data-testid="new-api-key">{icon_html("add")}'
        f'<span>{escape(t("New API key"))}</span></a></div></div>'
    )


def _key_html(own: OwnKey) -> str:
    key = own.key
    state = chip_html('slate', 'block', t(own.over), 'tiny') if own.over else ''
    used = t('Used last {moment}', moment='\0') if key.used_at else t('Not used yet')
    parts = (
        _with(t('Made {day}', day='\0'), values.format_day(values.israel(key.created_at).date())),
        _with(t('Until {day}', day='\0'), values.format_day(values.israel(key.expires_at).date())),
        _with(used, values.format_exact(key.used_at)) if key.used_at else escape(used),
    )
    label = t('Revoke the key: {name}', name=isolated(key.name))
    return (
        f'<li class="mk-row" data-testid="api-key"><div class="mk-grow"><div class="mk-row mk-wrap2"><bdi class="mk-b">{escape(key.name)}</bdi>'
        f'<span class="mk-sm mk-t3">{num_html(key.beginning)}</span>{state}</div><div class="mk-sm mk-t2">{" · ".join(parts)}</div></div>'
        f'<form method="post" action="{NEW_KEY}/{escape(key.id)}/revoke"><button class="mk-btn mk-s mk-sm" aria-label="{escape(label)}">'
        f'{escape(t("Revoke the key"))}</button></form></li>'
    )


def _with(text: str, number: str) -> str:
    """A text with a number in it, which is read from left to right."""
    return escape(text).replace('\0', num_html(number))
