"""`/help`: what the words mean, how things are done, and which keys there are."""

from collections.abc import Iterable
from html import escape

from components.frame import portal_page
from components.live import ask, current_actor, written_html
from components.marks import chip_html, icon_html
from components.palette import keyboard
from components.shared_words import reference
from components.theme import status_look
from components.words import language, t
from db.reference import ClaimStatus, Reference
from db.scope import Actor, Can
from db.texts import N_


@portal_page('/help', title=N_('Help'), active='help', flow=True)
async def help_page() -> None:
    """Everything on one page, so that the browser's own search finds it."""
    words = await ask(reference)
    written_html(f'<div class="mk-ph"><h1>{escape(t("Help"))}</h1></div>').classes('mk-contents')
    written_html(_how_html(current_actor()) + _statuses_html(words) + _stages_html(words) + _keys_html()).classes(
        'mk-page'
    )


def _card(icon: str, title: str, content: str, hook: str) -> str:
    return (
        f'<section class="mk-card" data-testid="help-{hook}"><div class="mk-hd">{icon_html(icon, "mk-lead")}'
        f'<h2>{escape(title)}</h2></div><div class="mk-bd">{content}</div></section>'
    )


def _listed(lines: Iterable[tuple[str, str]]) -> str:
    return f'<dl class="mk-terms">{"".join(f"<dt>{head}</dt><dd>{text}</dd>" for head, text in lines)}</dl>'


def _how_html(actor: Actor) -> str:
    offered = (
        (
            Can.SEE_CLAIMS,
            t('How do I find a claim?'),
            t('Type a claim number, a vehicle number, a name or a phone above the list; a part is enough. From any page: Ctrl+K.'),
        ),
        (
            Can.FOLLOW,
            t('How do I know what changed?'),
            t('A claim that changed moves to the top in bold and says what changed, and the bell rings. Opening it marks it as read.'),
        ),
        (
            Can.FOLLOW,
            t('How do I see only what waits for me?'),
            t('Under «Views» choose «Waiting for me». Filters you use often can be saved as a view and pinned beside the tabs.'),
        ),
        (
            Can.FOLLOW,
            t('How do I not miss a cheque?'),
            t('14 days before a cheque falls due you are alerted, and it stands under «Cheques» until somebody settles it.'),
        ),
        (
            Can.OPEN_CLAIM,
            t('How do I open a claim?'),
            t('«New claim» above the list. The name and the day of the event are enough to begin; then send the first documents.'),
        ),
        (
            Can.UPLOAD,
            t('How do I send documents?'),
            t('Open the claim, then «Documents»: drag files there, or photograph them with the phone. What is missing is listed beside them.'),
        ),
        (
            Can.WRITE_MESSAGE,
            t('How do I ask the claims team?'),
            t('Write under «Messages» of the claim. The whole claims team sees it, and the answer rings your bell.'),
        ),
        (
            Can.EXPORT,
            t('How do I take a table to Excel?'),
            t('«Export to Excel» above the list makes a file of exactly what the list shows, all pages. You may leave meanwhile; it waits for you.'),
        ),
        (
            Can.FOLLOW,
            t('How am I disturbed less?'),
            t('In the settings choose which events reach you, on screen and by e-mail. A single claim can be muted or put aside on its own page.'),
        ),
        (
            Can.SEE_CLAIMS,
            t('How do I use it on the phone?'),
            t('Open this address in the browser of the phone and choose «Add to home screen» in its menu.'),
        ),
    )  # fmt: skip
    told = [
        (escape(asked), escape(said))
        for needs, asked, said in offered
        if actor.may(needs) and not (actor.is_bureau and needs is Can.WRITE_MESSAGE)  # they are whom one asks
    ]
    return _card('help', t('How do I…'), _listed(told), 'how')


def _statuses_html(words: Reference) -> str:
    reader = language()
    lines = []
    for name, statuses in words.statuses_by_name(reader).items():
        if shown := [status for status in statuses if status.active]:
            look = status_look(shown[0].id)
            explained = [escape(status.explanation_in(reader)) + _waits_html(words, status) for status in shown]
            lines.append((chip_html(look.hue, look.icon, name), '<br>'.join(dict.fromkeys(explained))))
    return _card('sync_alt', t('What the statuses mean'), _listed(lines), 'statuses')


def _waits_html(words: Reference, status: ClaimStatus) -> str:
    party = status.default_waiting_on
    if party == 'none':
        return ''
    label = words.waiting[party].label_in(language())
    said = t('Usually with the claims team') if party == 'bureau' else t('Usually waiting on: {party}', party=label)
    return f'<br><span class="mk-xs mk-t3">{escape(said)}</span>'


def _stages_html(words: Reference) -> str:
    reader = language()
    steps = ''.join(f'<li>{escape(stage.label_in(reader))}</li>' for stage in words.shown_stages)
    return _card('build', t('The stages of the repair'), f'<ol class="mk-help-s">{steps}</ol>', 'stages')


def _keys_html() -> str:
    rows = ''.join(
        f'<div><dt dir="ltr">{"".join(f"<kbd class=mk-kbd>{escape(key)}</kbd>" for key in row["keys"])}</dt>'
        f'<dd>{escape(row["label"])}</dd></div>'
        for row in keyboard()
    )
    keys = f'<dl class="mk-keys">{rows}</dl>'
    return f'<div class="mk-hide-sm">{_card("keyboard", t("Keyboard"), keys, "keys")}</div>'
