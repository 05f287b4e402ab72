"""Whether everything works that nobody clicks on: each job of the timetable, which one is late or fails, and what to do about it."""

from datetime import datetime
from html import escape
from types import MappingProxyType
from typing import Any

from nicegui import ui

from components import accesses
from components.live import ask, work
from components.marks import chip_html, icon_html, num_html
from components.words import language, moment_text, t, tn
from db import values
from db.access_seals import AccessStanding, access_standing
from db.accounts import ROLES
from db.base import now
from db.copies import BackupsKept
from db.mail import ALERTS, DIGEST, RESET, FailedMail, MailHealth, mail_health, try_failed_again
from db.record_seals import Standing, standing_of_seals
from db.scope import Role
from db.texts import N_
from db.timetable import JobRun, jobs_for_admin
from db.two_factor import Spread, spread

# the name of a job → what it does, for people; one without words here is shown by its name
JOB_WORDS = MappingProxyType(
    {
        'alert_all': N_('Alerts of changes in claims'),
        'follow_edits': N_('What follows an edit of the administration'),
        'sweep_cheques': N_('Alerts of cheques that fall due'),
        'follow_claims': N_('Tasks that claims call for'),
        'remind_of_tasks': N_('Alerts of tasks that are due'),
        'seal_changes': N_('Sealing the record of claims'),
        'seal_access_log': N_('Sealing the log of access'),
        'sweep_desk': N_('The desk: a look at every open claim'),
        'release_imports': N_('Imports that were interrupted'),
        'release_exports': N_('Exports that were interrupted'),
        'make_exports': N_('Exports to Excel'),
        'clear_exports': N_('Clearing old exports'),
        'carry_out_orders': N_('Orders for many claims'),
        'clear_orders': N_('Clearing old orders for many claims'),
        'forget_imports': N_('Clearing old imports'),
        'send_mails': N_('Mail: alerts and morning summaries'),
        'clear_mails': N_('Clearing records of old mail'),
        'draw_waiting': N_('Pictures of documents'),
        'sweep_files': N_('Clearing files that belong to no document'),
        'back_up': N_('Backup of the database and the documents'),
        'back_up_changes': N_('Small backup of what has changed since'),
        'clear_accesses': N_('Clearing the log of access after two years'),
        'clear_alerts': N_('Clearing old alerts that were read'),
        'clear_rings': N_('Clearing rings everybody has heard'),
        'empty_trash': N_('Emptying the trash of documents'),
    }
)

_MAILS = {ALERTS: N_('Alert'), DIGEST: N_('Morning summary'), RESET: N_('Choose another password')}


class HealthPanel:
    """The health of the product as an admin sees it; `load` fills it."""

    def __init__(self, kept: BackupsKept, *, mail_is_on: bool) -> None:
        """Draw the frame."""
        self._kept, self._mail_is_on = kept, mail_is_on
        with ui.element('section').classes('mk-card').props('data-testid=backup-health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Backups"))}</h2></div>').classes('mk-contents')
            self._backups = ui.html('').classes('mk-bd')
        with ui.element('section').classes('mk-card').props('data-testid=mail-health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Mail"))}</h2></div>').classes('mk-contents')
            self._mail = ui.html('').classes('mk-bd')
            self._again = ui.element('div').classes('mk-bd')
            with (
                self._again,
                ui.element('button').classes('mk-btn mk-s').props('type=button data-testid=mail-again') as again,
            ):
                ui.html(f'{icon_html("refresh")}<span>{escape(t("Send what failed again"))}</span>').classes(
                    'mk-contents'
                )
            again.on('click', self._try_again)
        with ui.element('section').classes('mk-card').props('data-testid=two-factor-health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Two-step verification"))}</h2></div>').classes('mk-contents')
            self._two_factor = ui.html('').classes('mk-bd')
        with ui.element('section').classes('mk-card').props('data-testid=record-health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Log of evidence"))}</h2></div>').classes('mk-contents')
            self._record = ui.html('').classes('mk-bd')
        with ui.element('section').classes('mk-card').props('data-testid=access-health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Log of access"))}</h2></div>').classes('mk-contents')
            self._accesses = ui.html('').classes('mk-bd')
        with ui.element('section').classes('mk-card').props('data-testid=health'):
            ui.html(f'<div class="mk-hd"><h2>{escape(t("Background jobs"))}</h2></div>').classes('mk-contents')
            self._jobs = ui.html('').classes('mk-bd')

    async def load(self) -> None:
        """Read how things stand now."""
        moment = now()
        jobs = await ask(jobs_for_admin)
        waits_since = next((run.known_since for run in jobs if run.name == 'back_up'), moment)
        self._backups.set_content(backups_html(self._kept, waits_since, moment, language()))
        self._jobs.set_content(jobs_html(jobs, moment, language()))
        self._two_factor.set_content(two_factor_html(await ask(spread)))
        self._record.set_content(record_html(await ask(standing_of_seals)))
        access_log = await ask(access_standing, moment)
        self._accesses.set_content(access_log_html(access_log, written=accesses.is_written()))
        health = await ask(mail_health, moment) if self._mail_is_on else None
        self._mail.set_content(mail_html(health, moment, language()))
        self._again.set_visibility(health is not None and bool(health.failed))

    async def _try_again(self) -> None:
        await work(try_failed_again, now())
        await self.load()


def backups_html(kept: BackupsKept, waits_since: datetime, moment: datetime, reader: str) -> str:
    """When the last backup was made, and what to do when that is too long ago, or never was."""
    chip, advice = chip_html('green', 'check_circle', t('All well'), 'tiny'), ''
    if not kept.newest and not kept.hours:
        chip = chip_html('red', 'error', t('Needs a look'), 'tiny')
        advice = t(
            'There is no backup, and BACKUP_HOURS=0 has none made by itself. Set it to 24, or run «make backup» every night.'
        )
    elif kept.is_late(moment, waits_since):
        chip = chip_html('red', 'error', t('Too old'), 'tiny')
        advice = t('The last backup is too long ago. Run «make backup» on the server; if that fails, it says why.')
    elif not kept.newest:
        chip = chip_html('slate', 'schedule', t('None yet'), 'tiny')
        advice = t('The first backup is made by itself within a day.')
    told = ''
    if kept.newest:
        when = escape(moment_text(kept.newest, moment, reader))
        told = f'{escape(t("The last one:"))} <span title="{escape(values.format_exact(kept.newest))}">{when}</span>'
        told += f' · {escape(t("Kept:"))} {num_html(kept.number)}'
    if kept.lately:
        when = escape(moment_text(kept.lately, moment, reader))
        told += f' · {escape(t("What has changed since then, saved:"))} <span title="{escape(values.format_exact(kept.lately))}">{when}</span>'
    return f'<p class="mk-row">{chip} <span>{told}</span></p>' + (
        f'<p class="mk-t2">{escape(advice)}</p>' if advice else ''
    )


def two_factor_html(found: Spread) -> str:
    """Whether those who see every office sign in in two steps, and what to do when they need not."""
    chip, advice = chip_html('green', 'verified_user', t('All well'), 'tiny'), ''
    if found.sealed_otherwise:
        chip = chip_html('red', 'error', t('Needs a look'), 'tiny')
        advice = tn(
            'The key of this server does not open the secret of {n} person. Set TWO_FACTOR_KEY to what it was, the same on every instance.',
            'The key of this server does not open the secrets of {n} people. Set TWO_FACTOR_KEY to what it was, the same on every instance.',
            found.sealed_otherwise,
        )
    elif not found.roles_of_bureau_covered:
        chip = chip_html('amber', 'shield', t('Not required'), 'tiny')
        advice = t(
            'People of the bureau see every office, and the password alone lets them in. Require it under «How the bureau works».'
        )
    counted = escape(t('{n} of the {total} people of the bureau have it', n=found.bureau_with, total=found.bureau))
    if found.roles:
        names = ', '.join(t(ROLES[Role(role)]) for role in found.roles)
        counted += f' · {escape(t("Required of:"))} {escape(names)}'
    return f'<p class="mk-row">{chip} <span>{counted}</span></p>' + (
        f'<p class="mk-t2">{escape(advice)}</p>' if advice else ''
    )


def record_html(found: Standing) -> str:
    """How far the record of claims is sealed, and the newest heads, to be kept where the owner of the database cannot reach them."""
    if found.up_to is None:
        chip, told = chip_html('slate', 'schedule', t('None yet'), 'tiny'), ''
    elif found.waits:
        chip = chip_html('slate', 'schedule', t('Sealing'), 'tiny')
        told = f'{escape(t("Sealed up to:"))} {num_html(values.format_exact(found.up_to))}'
    else:
        chip, told = (
            chip_html('green', 'verified_user', t('All well'), 'tiny'),
            escape(t('All that was recorded is sealed.')),
        )
    advice = t(
        'Each night a head is written over the log of all claims. Print or save it elsewhere: with it one can show that nothing was rewritten.'
    )
    heads = ''.join(
        f'<li data-testid="seal-head"><div class="mk-row">{num_html(values.format_day(head.day))} '
        f'<span class="mk-t2">{escape(tn("One claim", "{n} claims", head.claims))}</span></div><code dir="ltr">{head.hash}</code></li>'
        for head in found.heads
    )
    link = f'<a class="mk-btn mk-s mk-sm" href="/admin/record-heads.txt" download>{icon_html("download")}<span>{escape(t("All heads as text"))}</span></a>'
    return f'<p class="mk-row">{chip} <span>{told}</span></p><p class="mk-t2">{escape(advice)}</p>' + (
        f'<ul class="mk-hlth">{heads}</ul><p>{link}</p>' if heads else ''
    )


def access_log_html(found: AccessStanding, *, written: bool) -> str:
    """Whether the log of access is written and sealed, and its newest seal, to be kept elsewhere too."""
    chip, told = chip_html('green', 'verified_user', t('All well'), 'tiny'), t('All that was written is sealed.')
    if not written:
        chip = chip_html('red', 'error', t('Stopped'), 'tiny')
        told = t('The log of access cannot be written. Look at the log of the server, at the database and at its disk.')
    elif found.stopped:
        chip = chip_html('red', 'error', t('Stopped'), 'tiny')
        told = t('The log of access is written and not sealed. Restart Maakav; if it stays so, call support.')
    elif found.newest is None:
        chip, told = chip_html('slate', 'schedule', t('None yet'), 'tiny'), ''
    elif found.waits_since is not None:
        chip = chip_html('slate', 'schedule', t('Sealing'), 'tiny')
        told = t('What is written is sealed within minutes.')
    newest = (
        f'<ul class="mk-hlth"><li data-testid="access-seal"><div class="mk-row">{num_html(values.format_exact(found.newest.sealed_at))} '
        f'<span class="mk-t2">{escape(t("Seal {number}", number=f"{found.newest.number:,}"))}</span></div>'
        f'<code dir="ltr">{found.newest.hash}</code></li></ul>'
        if found.newest
        else ''
    )
    return f'<p class="mk-row">{chip} <span>{escape(told)}</span></p>{newest}'


def jobs_html(jobs: list[JobRun], moment: datetime, reader: str) -> str:
    """The jobs as a list, whatever needs help first."""
    if not jobs:
        return f'<p class="mk-empty-line">{escape(t("No job has run yet. Please look again in a minute."))}</p>'
    ordered = sorted(jobs, key=lambda run: (not run.is_late(moment), not run.fails))
    return f'<ul class="mk-hlth">{"".join(_job_html(run, moment, reader) for run in ordered)}</ul>'


# why a mail did not get out: the word the post wrote down → what to tell the admin
MAIL_ERRORS = MappingProxyType(
    {
        'refused': N_('The server refused the address. Check it under People.'),
        'sign-in': N_('The server refused the user or the password of SMTP_URL.'),
        'server': N_('The server refused to work with us. Check MAIL_FROM and the rights there.'),
        'timeout': N_('The server did not answer in time.'),
        'unreachable': N_('The server cannot be reached. Check SMTP_URL and the network.'),
        'unwritten': N_('Maakav could not write it. The log says why.'),
    }
)


def mail_html(health: MailHealth | None, moment: datetime, reader: str) -> str:
    """How the mail goes; None: it is off."""
    if health is None:
        told = t('Mail is off: no server is named in SMTP_URL. Alerts are shown on the screen only.')
        return f'<p class="mk-row">{chip_html("slate", "mail", t("Off"), "tiny")} <span>{escape(told)}</span></p>'
    chip = chip_html('green', 'check_circle', t('All well'), 'tiny')
    if health.overdue_since or health.failed:
        chip = chip_html('red', 'error', t('Needs a look'), 'tiny')
    counted = f'{escape(t("Sent in the last day:"))} {num_html(health.sent)}'
    counted += f' · {escape(t("Waiting:"))} {num_html(health.waiting)}'
    if health.overdue_since:
        since = escape(moment_text(health.overdue_since, moment, reader))
        counted += f' · {escape(t("The oldest should have gone out:"))} {since}'
    failed = ''.join(_failed_html(mail) for mail in health.failed)
    return f'<p class="mk-row">{chip} <span>{counted}</span></p><ul class="mk-hlth">{failed}</ul>'


def _failed_html(mail: FailedMail) -> str:
    word, _, number = mail.error.partition(' ')
    told = t(MAIL_ERRORS[word]) if word in MAIL_ERRORS else mail.error
    kind = t(_MAILS.get(mail.kind, _MAILS[ALERTS]))
    return (
        f'<li data-testid="failed-mail"><div class="mk-row"><b>{escape(mail.name)}</b> <span>{escape(kind)}</span> '
        f'{num_html(values.format_exact(mail.at))}</div>'
        f'<p class="mk-t2">{escape(told)} {num_html(number) if number else ""}</p></li>'
    )


def _job_html(run: JobRun, moment: datetime, reader: str) -> str:
    label = t(JOB_WORDS[run.name]) if run.name in JOB_WORDS else run.name
    chip, advice = _state(run, moment)
    told = f'<p class="mk-t2">{advice}</p>' if advice else ''
    return (
        f'<li data-testid="job" data-job="{escape(run.name)}"><div class="mk-row"><b>{escape(label)}</b>{chip}</div>'
        f'{told}<p class="mk-t3">{_times(run, moment, reader)}</p></li>'
    )


def _state(run: JobRun, moment: datetime) -> tuple[str, str]:
    number = f'<b>{num_html(run.error)}</b>'
    if run.is_late(moment):
        advice = escape(t('It should have run already. Restart Maakav; if it stays late, call support.'))
        if run.fails:
            advice += ' ' + escape(t('Number of the error:')) + f' {number}'
        return chip_html('red', 'error', t('Late'), 'tiny'), advice
    if run.fails:
        advice = escape(t('It failed and will be tried again by itself. If this stays so, give support this number:'))
        return chip_html('amber', 'warning', t('Failed'), 'tiny'), f'{advice} {number}'
    if run.ended_at is None:
        return chip_html('slate', 'schedule', t('Not run yet'), 'tiny'), ''
    return chip_html('green', 'check_circle', t('Works'), 'tiny'), ''


def _times(run: JobRun, moment: datetime, reader: str) -> str:
    parts: list[Any] = []
    if run.ended_at:
        when = moment_text(run.ended_at, moment, reader)
        parts.append(
            f'{escape(t("Last run:"))} <span title="{escape(values.format_exact(run.ended_at))}">{escape(when)}</span>'
        )
        parts.append(f'{escape(t("It took:"))} {num_html(f"{run.took_ms / 1000:.1f}")} {escape(t("seconds"))}')
    if run.started_at and (run.ended_at is None or run.started_at > run.ended_at) and not run.fails:
        parts.append(f'{icon_html("sync")} {escape(t("running now"))}')
    parts.append(escape(_pause(run.every_seconds)))
    return ' · '.join(parts)


def _pause(seconds: int) -> str:
    if seconds >= 3600:
        return tn('every hour', 'every {n} hours', seconds // 3600)
    return tn('every minute', 'every {n} minutes', max(1, seconds // 60))
