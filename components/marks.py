"""The small marks of the portal as HTML: plate, chip, avatar, number, before ← after, icon, pictures."""

from html import escape
from zlib import crc32

from db.texts import t
from db.values import format_plate

NOTHING = '—'

_HUES = ('blue', 'cyan', 'teal', 'green', 'amber', 'orange', 'red', 'pink', 'violet', 'slate')
_AVATAR_HUES = ('violet', 'teal', 'blue', 'pink', 'cyan', 'orange', 'green', 'amber')

_FLAG = (
    '<svg viewBox="0 0 22 16" aria-hidden="true"><rect width="22" height="16" fill="#fff"/>'
    '<rect y="1.6" width="22" height="2.4" fill="#0B3C9E"/><rect y="12" width="22" height="2.4" fill="#0B3C9E"/>'
    '<path d="M11 4.9l2.7 4.6H8.3zM11 11.1L8.3 6.5h5.4z" fill="none" stroke="#0B3C9E" stroke-width=".9"/></svg>'
)
_LOGO = (
    '<svg viewBox="0 0 40 40" aria-hidden="true"><rect width="40" height="40" rx="11" fill="#17306F"/>'
    '<path d="M20 8.6a11.4 11.4 0 1 0 11.4 11.4" fill="none" stroke="#fff" stroke-width="4.2" stroke-linecap="round"/>'
    '<path d="M20 8.6a11.4 11.4 0 0 1 7.6 2.9" fill="none" stroke="#7FA0F5" stroke-width="4.2" stroke-linecap="round"/>'
    '<circle cx="20" cy="20" r="4.6" fill="#FFCB1F"/></svg>'
)
_CAR = (
    '<ellipse cx="84" cy="98" rx="70" ry="7" fill="var(--mk-press)"/>'
    '<path d="M10 88h148" stroke="var(--mk-line-2)" stroke-width="3" stroke-dasharray="10 8" stroke-linecap="round"/>'
    '<path d="M34 84c-3-12 0-18 12-21l12-3 12-13c3-3 6-4 10-4h24c6 0 10 2 13 6l10 11 10 3c6 2 8 5 8 11v7c0 2-1 3-3 3z"'
    ' fill="var(--mk-surface)" stroke="var(--mk-line-2)" stroke-width="2.5"/>'
    '<path d="M66 58l7-8c2-2 4-3 7-3h8v11zM93 47h11c4 0 7 1 9 4l6 7H93z" fill="var(--mk-brand-soft-2)"/>'
    '<g fill="var(--mk-surface)" stroke="var(--mk-line-2)" stroke-width="2.5">'
    '<circle cx="60" cy="84" r="11"/><circle cx="118" cy="84" r="11"/></g>'
    '<g fill="var(--mk-line-2)"><circle cx="60" cy="84" r="4"/><circle cx="118" cy="84" r="4"/></g>'
    '<rect x="36" y="70" width="22" height="8" rx="1.5" fill="var(--mk-yellow)" stroke="#17181C"/>'
)
_ABOVE_THE_CAR = {
    'nothing': (
        '<circle cx="132" cy="34" r="16" fill="var(--mk-brand-soft)" stroke="var(--mk-brand)" stroke-width="3.5"/>'
        '<path d="M120 46l-9 9" stroke="var(--mk-brand)" stroke-width="4.5" stroke-linecap="round"/>'
    ),
    'error': (
        '<path d="M132 12l19 33h-38z" fill="var(--mk-amber-bg)" stroke="var(--mk-amber-dot)" stroke-width="3"'
        ' stroke-linejoin="round"/><path d="M132 25v9" stroke="var(--mk-amber-dot)" stroke-width="3.2"'
        ' stroke-linecap="round"/><circle cx="132" cy="39.5" r="2" fill="var(--mk-amber-dot)"/>'
    ),
    'talk': (
        '<path d="M116 16h36a6 6 0 0 1 6 6v18a6 6 0 0 1-6 6h-22l-10 8v-8h-4a6 6 0 0 1-6-6V22a6 6 0 0 1 6-6z"'
        ' fill="var(--mk-brand-soft)" stroke="var(--mk-brand)" stroke-width="3" stroke-linejoin="round"/>'
        '<path d="M120 27h28M120 35h18" stroke="var(--mk-brand)" stroke-width="3" stroke-linecap="round"/>'
    ),
    'done': (
        '<circle cx="132" cy="32" r="17" fill="var(--mk-green-bg)" stroke="var(--mk-green-dot)" stroke-width="3"/>'
        '<path d="M124.5 32.5l5.5 5.5 10-11" fill="none" stroke="var(--mk-green-dot)" stroke-width="3.5"'
        ' stroke-linecap="round" stroke-linejoin="round"/>'
    ),
}
_WHATSAPP = (
    '<svg class="mk-icv" viewBox="0 0 24 24" fill="currentColor" aria-hidden="true"><path d="M12.04 2a9.9 9.9 0 0 0-8.5 15'
    'L2.2 21.8l4.9-1.3A9.9 9.9 0 1 0 12.04 2Zm0 1.8a8.1 8.1 0 1 1-4.1 15.1l-.3-.2-2.9.8.8-2.8-.2-.3a8.1 8.1 0 0 1 6.7-12.6Z'
    'm-3 4.1c-.2 0-.5.1-.7.3-.3.3-.9.9-.9 2.1 0 1.3.9 2.5 1 2.6.2.2 1.8 2.8 4.5 3.8 2.2.9 2.7.7 3.2.7.5-.1 1.5-.6 1.7-1.2'
    '.2-.6.2-1.1.2-1.2-.1-.1-.3-.2-.5-.3l-1.7-.8c-.3-.1-.4-.1-.6.1l-.8 1c-.1.2-.3.2-.5.1-.3-.1-1.1-.4-2-1.2-.8-.7-1.3-1.5'
    '-1.4-1.8-.2-.2 0-.4.1-.5l.4-.5.2-.4v-.4l-.8-1.9c-.2-.4-.4-.5-.6-.5h-.4Z"/></svg>'
)


def logo_svg() -> str:
    """Return the logo as inline SVG; the link around it carries the name."""
    return _LOGO


def whatsapp_svg() -> str:
    """Return the WhatsApp glyph, which no icon font carries; the link around it carries the name."""
    return _WHATSAPP


def picture_html(kind: str) -> str:
    """Draw the car of an empty or failed screen: kind is 'nothing', 'error' or 'done'."""
    above = _ABOVE_THE_CAR.get(kind, '')
    return f'<svg width="168" height="112" viewBox="0 0 168 112" aria-hidden="true">{_CAR}{above}</svg>'


def icon_html(name: str, extra: str = '') -> str:
    """Return an icon; `extra` are classes such as `mk-s18`, `mk-f` (filled), `mk-flip`, `mk-dir`."""
    classes = f'mk-ic {extra}'.strip()
    return f'<span class="{escape(classes)}" aria-hidden="true">{escape(name)}</span>'


def num_html(text: object) -> str:
    """Isolate a number, date, sum, phone or e-mail so that it reads left to right in any line."""
    shown = str(text) if text not in (None, '') else NOTHING
    return f'<bdi class="mk-num" dir="ltr">{escape(shown)}</bdi>'


def day_input_html(
    name: str, label: str, pick: str, value: str = '', between: tuple[str, str] = ('', ''), size: str = 'sm'
) -> str:
    """A field that needs a day, written as everywhere here: the browser's own shows it by its language, maybe the month first.

    Its calendar is the browser's; `maakav.js` reads what is typed. A day may be chosen `between` the first and the last, written yyyy-mm-dd; size is '' or 'sm'.
    """
    first, last = between
    classes = 'mk-inp mk-sm mk-dayin' if size == 'sm' else 'mk-inp mk-dayin'
    return (
        f'<span class="{classes}"><input type="text" name="{escape(name)}" data-testid="{escape(name)}" data-day dir="ltr" maxlength="20" '
        f'placeholder="dd/mm/yyyy" autocomplete="off" aria-label="{escape(label)}" required value="{escape(value)}">'
        f'<input type="date" class="mk-vh" tabindex="-1" aria-hidden="true" min="{escape(first)}" max="{escape(last)}"><button type="button" class="mk-ib mk-sm" '
        f'data-calendar aria-label="{escape(pick)}">{icon_html("calendar_month")}</button></span>'
        '<span class="mk-help mk-e" role="alert" data-said></span>'
    )


def plate_html(digits: str | None, size: str = '', language: str = 'he') -> str:
    """Draw a licence plate; size is '', 'sm' or 'lg'. Without digits there is no plate to draw."""
    if not digits:
        return f'<span class="mk-t3">{NOTHING}</span>'
    shown = format_plate(digits)
    classes = f'mk-plate mk-{size}' if size in ('sm', 'lg') else 'mk-plate'
    name = escape(t('Plate {plate}', language, plate=shown))
    return f'<span class="{classes}" dir="ltr" role="img" aria-label="{name}"><i>{_FLAG}IL</i><b>{escape(shown)}</b></span>'


def chip_html(hue: str, icon: str, label: str | None, size: str = '') -> str:
    """Draw a status chip: hue, icon and words together; size is '', 'tiny' or 'lg'."""
    classes = f'mk-chip mk-hue-{hue if hue in _HUES else "slate"}'
    if size in ('tiny', 'lg'):
        classes += f' mk-{size}'
    picture = icon_html(icon) if icon else ''
    return f'<span class="{classes}">{picture}<span class="mk-ell">{escape(label or NOTHING)}</span></span>'


def initials_of(name: str | None) -> str:
    """Return two letters for an avatar: of the first and last word, or the first two of a single word."""
    words = [word for word in (name or '').replace('״', '').replace('"', '').split() if word[0].isalnum()]
    if not words:
        return '?'
    return (words[0][0] + words[-1][0]) if len(words) > 1 else words[0][:2]


def hue_of(name: str | None) -> str:
    """Return the colour that stays a person's."""
    return _AVATAR_HUES[crc32((name or '').encode()) % len(_AVATAR_HUES)]


def avatar_html(name: str | None, extra: str = '') -> str:
    """Draw a person's initials in a colour that stays his; the name itself stands beside it, so this is decoration."""
    classes = f'mk-av mk-hue-{hue_of(name)} {extra}'.strip()
    return f'<span class="{escape(classes)}" aria-hidden="true">{escape(initials_of(name))}</span>'


def before_after_html(before: str | None, after: str | None, language: str = 'he') -> str:
    """Draw a change as `before ← after`; a screen reader hears the arrow as words. A value that was empty has no before."""
    now = f'<b>{escape(after or NOTHING)}</b>'
    if not before:
        return f'<span class="mk-ba">{now}</span>'
    arrow = f'{icon_html("arrow_back", "mk-dir")}<span class="mk-vh"> {escape(t("changed to", language))} </span>'
    return f'<span class="mk-ba"><span class="mk-was">{escape(before)}</span>{arrow}{now}</span>'


def notice_html(name: str, inner: str) -> str:
    """A line above what it is about: worth knowing before one reads on."""
    return f'<p class="mk-call-out mk-hue-amber" role="status" data-testid="{name}">{icon_html("info")}<span>{inner}</span></p>'
