"""The look in one place: where the static files live, what every page's head carries, which colour and icon means what."""

from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple

from db.texts import is_rtl, t

STATIC_FOLDER = Path(__file__).resolve().parent.parent / 'static'


class Look(NamedTuple):
    """A hue (class `mk-hue-…`) and an icon: status is never shown by colour alone."""

    hue: str
    icon: str


UNKNOWN_STATUS = Look('slate', 'inbox')

STATUS_LOOKS = {
    'new': Look('blue', 'inbox'),
    'awaiting_details': Look('amber', 'edit_note'),
    'awaiting_appraiser': Look('violet', 'fact_check'),
    'in_repair': Look('cyan', 'car_repair'),
    'awaiting_documents': Look('amber', 'folder_open'),
    'ready_to_submit': Look('blue', 'task_alt'),
    'submitted': Look('blue', 'outgoing_mail'),
    'under_insurer_review': Look('orange', 'hourglass_top'),
    'insurer_requested_info': Look('orange', 'assignment_late'),
    'offer_received': Look('pink', 'request_quote'),
    'in_negotiation': Look('pink', 'handshake'),
    'approved_for_payment': Look('teal', 'verified'),
    'awaiting_payment': Look('teal', 'schedule'),
    'partially_paid': Look('green', 'incomplete_circle'),
    'paid': Look('green', 'payments'),
    'rejected': Look('red', 'cancel'),
    'moved_to_legal': Look('slate', 'balance'),
    'in_legal': Look('slate', 'gavel'),
    'closed': Look('slate', 'check_circle'),
}

# what people choose to be alerted of, by the names of the catalogue (db/alert_kinds.py)
EVENT_LOOKS = {
    'opened': Look('blue', 'inbox'),
    'status': Look('orange', 'sync_alt'),
    'repair': Look('cyan', 'build'),
    'details': Look('slate', 'edit_note'),
    'calls': Look('green', 'call'),
    'documents': Look('violet', 'description'),
    'messages': Look('blue', 'chat'),
    'mentions': Look('blue', 'alternate_email'),
    'money': Look('pink', 'request_quote'),
    'cheques': Look('green', 'payments'),
    'deadlines': Look('amber', 'hourglass_top'),
    'tasks': Look('violet', 'task_alt'),
    'reminders': Look('amber', 'alarm'),
}

DOCUMENT_LOOKS = {
    'document.added': Look('blue', 'upload_file'),
    'document.replaced': Look('blue', 'upload_file'),
    'document.removed': Look('slate', 'delete'),
    'document.purged': Look('slate', 'delete'),
    'document.restored': Look('slate', 'restart_alt'),
    'document.accepted': Look('green', 'check_circle'),
    'document.rejected': Look('red', 'cancel'),
    'document.reopened': Look('slate', 'schedule'),
    'document.retyped': Look('slate', 'folder_open'),
    'document.waived': Look('slate', 'remove'),
    'document.requested': Look('amber', 'assignment_late'),
    'document.asked': Look('orange', 'assignment_late'),
    'pack': Look('blue', 'picture_as_pdf'),
    'pack.sent': Look('green', 'forward_to_inbox'),
}
"""What happens to documents, by the kind of the change."""

SECTION_ICONS = {
    'insured': 'person',
    'third_party': 'car_crash',
    'tp_driver': 'id_card',
    'tp_agent': 'badge',
    'garage': 'garage',
    'appraiser': 'fact_check',
    'insurer': 'shield',
    'money': 'payments',
    'repair': 'build',
    'status': 'sync_alt',
    'documents': 'folder_open',
    'calls': 'call',
    'messages': 'chat',
    'history': 'history',
    'daily': 'article',
    'event': 'event',
}


def status_look(status_id: str | None) -> Look:
    """Return the hue and icon of a claim status; a status nobody knows is quiet."""
    return STATUS_LOOKS.get(status_id or '', UNKNOWN_STATUS)


def section_icon(section: str) -> str:
    """Return the icon of a section of the claim page."""
    return SECTION_ICONS.get(section, 'description')


def _fingerprint_of(folder: Path) -> str:
    digest = sha256()
    for path in sorted(path for path in folder.rglob('*') if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


STATIC_PREFIX = f'/static/{_fingerprint_of(STATIC_FOLDER)}'
"""Mount STATIC_FOLDER here and serve it as immutable: one fingerprint for the whole folder keeps relative url(…) right."""


def asset(path: str) -> str:
    """Return the address of a file under static/; it changes whenever any static file does."""
    return f'{STATIC_PREFIX}/{path}'


def direction_of(language: str) -> str:
    """Return the writing direction of a language of the portal."""
    return 'rtl' if is_rtl(language) else 'ltr'


def icon_links() -> str:
    """Return the part of the head that plain pages and NiceGUI pages share: fonts, icons, manifest, browser colours."""
    fonts = ('fonts/heebo-hebrew.woff2', 'fonts/heebo-latin.woff2', 'fonts/maakav-icons.woff2')
    preloads = ''.join(
        f'<link rel="preload" href="{asset(font)}" as="font" type="font/woff2" crossorigin>' for font in fonts
    )
    return (
        f'{preloads}'
        f'<link rel="icon" href="{asset("img/favicon.svg")}" type="image/svg+xml">'
        f'<link rel="apple-touch-icon" href="{asset("img/icon-192.png")}">'
        f'<link rel="manifest" href="{asset("manifest.webmanifest")}">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="theme-color" media="(prefers-color-scheme: light)" content="#EFF2F7">'
        '<meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0A0E16">'
        '<meta name="format-detection" content="telephone=no,date=no,address=no,email=no">'
    )


def amiss_html(language: str = 'he') -> str:
    """Return the script that says in this language what is missing in a form; it comes before all others."""
    words = {
        'missing': t('Nothing was entered. Please fill in this field.', language),
        'choice': t('Please choose one of these.', language),
        'day': t('A date is missing here.', language),
        'email': t('This is not an e-mail address. Write it as name@example.co.il.', language),
        'digits': t('Only digits are written here.', language),
    }
    told = ''.join(f' data-{name}="{escape(text)}"' for name, text in words.items())
    return f'<script src="{asset("js/amiss.js")}"{told}></script>'


def head_html(language: str = 'he') -> str:
    """Return what every NiceGUI page puts into its head: our layer wins over NiceGUI's own."""
    sheets = ''.join(f'@import url("{asset(f"css/{name}.css")}") layer(components);' for name in ('tokens', 'maakav'))
    return (
        f'<script>document.documentElement.lang="{language}";'
        f'document.documentElement.dir="{direction_of(language)}"</script>'
        '<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        f'{icon_links()}<style>{sheets}</style>'
    )
