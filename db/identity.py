"""Proving who somebody is: passwords, sessions, one-time links and the brake on guessing. Kept by the product alone."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from passlib.context import CryptContext
from sqlalchemy import ColumnElement, ForeignKey, Index, Select, bindparam, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db import values
from db.access_log import LOOK_OVER, Access
from db.base import Base, Moment, take_turns
from db.base import now as present
from db.offices import AgentOffice, User, actor_of, sees_own_only
from db.prepared import answers
from db.scope import OFFICE_ROLES, Actor, Books, Can, Role, open_books
from db.texts import N_, ClaimError

MIN_LENGTH, MAX_LENGTH = 10, 256
IDLE, LONGEST = timedelta(hours=12), timedelta(days=30)
# so long after a session ran out the sign-in page still says that it did
TOLD_FOR = timedelta(days=2)
KNOWN_BROWSER_DAYS = 365

# how often may be tried, and within what time
ADDRESS_TRIES, ADDRESS_WINDOW = 10, timedelta(minutes=1)
ACCOUNT_TRIES, ACCOUNT_WINDOW = 10, timedelta(minutes=10)
CODE_TRIES, CODE_WINDOW = 3, timedelta(minutes=1)
# three codes of a million are right at any time: so he who has stolen a password needs years
CODE_TRIES_LONG, CODE_WINDOW_LONG = 10, timedelta(hours=1)

# letters to one person an hour
FORGOTTEN_TRIES = 3
FIRST_ADMIN, PASSWORD, KNOWN_BROWSER = 'first_admin', 'password', 'known_browser'
# somebody who is signed in has just proved again who he is, for one thing he wants to do
PROOF, PROOF_FOR = 'proof', timedelta(minutes=5)
# somebody has typed the right password, and the code of his app is awaited
HALF, HALF_FOR = 'half', timedelta(minutes=5)

# argon2id well above OWASP's floor; about a twelfth of a second, so it never runs on the loop or in a transaction
_HASHES = CryptContext(
    ['argon2'], argon2__type='ID', argon2__memory_cost=46 * 1024, argon2__time_cost=2, argon2__parallelism=1
)


class Credential(Books, Base):
    """A person's password, as a slow hash. No row: he was invited and has not chosen one yet."""

    __tablename__ = 'credentials'

    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'), primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime]
    must_change: Mapped[bool] = mapped_column(default=False)


class WebSession(Books, Base):
    """A signed-in browser. The cookie holds a random token, this row only its sha256. Ending it deletes it."""

    __tablename__ = 'web_sessions'
    __table_args__ = (Index('ix_web_sessions_user', 'user_id'),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    remembered: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(default='')
    browser: Mapped[str] = mapped_column(default='')
    # he signed in without the second step that is required of him: nothing opens before he has set it up
    must_set_up: Mapped[bool] = mapped_column(default=False)
    # as which agent its person looks at the portal, and how long; `db.looking` begins and ends it
    looks_as: Mapped[int | None]
    looks_until: Mapped[datetime | None]


class SignInAttempt(Books, Base):
    """A failed try to sign in, counted per address and per account."""

    __tablename__ = 'sign_in_attempts'
    __table_args__ = (Index('ix_sign_in_attempts_key', 'key', 'at'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    at: Mapped[datetime]


class OneTimeLink(Books, Base):
    """A link that lets somebody set a password once (the first admin, an invited person), or a browser we know again."""

    __tablename__ = 'one_time_links'

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey('users.id'))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def new_token() -> tuple[str, str]:
    """A secret nobody can guess, and the hash that we keep of it."""
    token = token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """What the database keeps of a token; it is random, so a fast hash is enough."""
    return sha256(token.encode('utf-8', 'surrogateescape')).hexdigest()


# ---- passwords --------------------------------------------------------------------------------------------------------------


@cache
def common_passwords() -> frozenset[str]:
    """What everybody tries first."""
    lines = (Path(__file__).parent / 'common_passwords.txt').read_text('utf-8').splitlines()
    return frozenset(line for line in lines if not line.startswith('#'))


def check_password(password: str, email: str = '') -> None:
    """Refuse a password that is easy to guess. No rules about signs and digits: they make people predictable."""
    if len(password) < MIN_LENGTH:
        raise ClaimError(N_('The password needs at least {count} characters.'), count=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise ClaimError(N_('The password may have at most {count} characters.'), count=MAX_LENGTH)
    plain = password.casefold().strip()
    if plain in common_passwords() or len(set(plain)) < 4:
        raise ClaimError(N_('This password is one of the first that others try. Please choose another one.'))
    if email and plain in {email.casefold(), email.casefold().partition('@')[0]}:
        raise ClaimError(N_('The password may not be the e-mail address. Please choose another one.'))


def hash_password(password: str) -> str:
    """The slow hash to keep. Call it outside any transaction, and not on the loop."""
    return str(_HASHES.hash(password))


def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a fresh hash when the kept one is of older make.

    An unknown account costs the same time. Call it outside any transaction, and not on the loop.
    """
    if password_hash is None or len(password) > MAX_LENGTH:
        _HASHES.dummy_verify()
        return False, None
    right, fresh = _HASHES.verify_and_update(password, password_hash)
    return bool(right), fresh


def password_hash_of(session: Session, user_id: int) -> str | None:
    """The kept hash of a person who may sign in."""
    credential = session.get(Credential, user_id)
    return credential.password_hash if credential else None


def account_of(session: Session, email: str) -> tuple[int | None, str | None]:
    """Whom an e-mail address belongs to, and his password's hash; nothing for those who may not sign in."""
    try:
        address = values.email(email)
    except values.Malformed:
        return None, None
    question = (
        select(User.id, Credential.password_hash)
        .join(Credential, Credential.user_id == User.id)
        .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
        .where(User.email == address, *_may_sign_in())
    )
    found = session.execute(question).one_or_none()
    return (found[0], found[1]) if found else (None, None)


def keep_password(session: Session, user_id: int, password_hash: str, now: datetime) -> None:
    """Make this the person's password from now on; the sessions he has stay as they are."""
    credential = session.get(Credential, user_id)
    if credential is None:
        session.add(Credential(user_id=user_id, password_hash=password_hash, changed_at=now))
        return
    credential.password_hash, credential.changed_at, credential.must_change = password_hash, now, False


def is_still_password(session: Session, user_id: int, verified: str | None, fresh: str | None = None) -> bool:
    """Whether the hash a password was looked at with is still the person's; `fresh`, a hash of today's making, then takes its place."""
    credential = session.get(Credential, user_id, with_for_update=True)
    if credential is None or credential.password_hash != verified:
        return False
    if fresh is not None:
        credential.password_hash = fresh
    return True


def demand_another_if_old(session: Session, user_id: int, lasts: timedelta, now: datetime) -> None:
    """Let somebody whose password is older than it may be choose another one before he goes on. No time at all: it lasts for ever."""
    credential = session.get(Credential, user_id)
    if lasts and credential is not None and credential.changed_at < now - lasts:
        credential.must_change = True


def set_password(session: Session, user_id: int, password: str, now: datetime, *, demo: bool = False) -> None:
    """Check, hash and keep a password in one go, where nobody waits: the terminal, demo data, tests."""
    if not demo:
        check_password(password, session.get_one(User, user_id).email or '')
    keep_password(session, user_id, hash_password(password), now)


# ---- the brake on guessing --------------------------------------------------------------------------------------------------


def tries_of(address: str, email: str, known_browser: str | None = None) -> dict[str, tuple[int, timedelta]]:
    """What a try to sign in is counted under: where it comes from, and the account it is for.

    A browser that has signed in to the account before is counted by itself, so that nobody can lock its owner out.
    """
    account = known_browser or _account_key(email)
    return {
        f'address:{network_of(address)}': (ADDRESS_TRIES, ADDRESS_WINDOW),
        f'{"browser" if known_browser else "account"}:{account}': (ACCOUNT_TRIES, ACCOUNT_WINDOW),
    }


def forgotten_tries_of(address: str, email: str) -> dict[str, tuple[int, timedelta]]:
    """What asking for another password is counted under, so that nobody fills somebody's mailbox."""
    return {
        f'forgot-from:{network_of(address)}': (ADDRESS_TRIES, CODE_WINDOW_LONG),
        f'forgot:{_account_key(email)}': (FORGOTTEN_TRIES, CODE_WINDOW_LONG),
    }


def _account_key(email: str) -> str:
    """One for all spellings of an address that lead to one account. A hash, for people type passwords into the wrong field."""
    with suppress(values.Malformed):
        email = values.email(email)
    return hash_of(email.strip().casefold())[:32]


def code_tries_of(address: str, user_id: int, known_browser: str | None = None) -> dict[str, tuple[int, timedelta]]:
    """What a try to guess the code of the second step is counted under; a browser we know by itself, as above."""
    account = f'browser:{known_browser}' if known_browser else user_id
    return {
        f'address:{network_of(address)}': (ADDRESS_TRIES, ADDRESS_WINDOW),
        f'code:{account}': (CODE_TRIES, CODE_WINDOW),
        f'codes:{account}': (CODE_TRIES_LONG, CODE_WINDOW_LONG),
    }


def network_of(address: str) -> str:
    """An address as we count it: a home or an office has a whole IPv6 /64 to itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)


def minutes_to_wait(session: Session, tries: Mapping[str, tuple[int, timedelta]], now: datetime) -> int:
    """How many minutes must pass before the next try; 0 when it may come now."""
    waits = [timedelta()]
    for key, (limit, window) in tries.items():
        question = (
            select(SignInAttempt.at)
            .where(SignInAttempt.key == key, SignInAttempt.at > now - window)
            .order_by(SignInAttempt.at.desc())
            .offset(limit - 1)
            .limit(1)
        )
        oldest_that_counts = session.scalar(question)
        if oldest_that_counts is not None:
            waits.append(oldest_that_counts + window - now)
    return ceil(max(waits) / timedelta(minutes=1))


def take_try(session: Session, tries: Mapping[str, tuple[int, timedelta]], now: datetime) -> int:
    """Count a try before the password is looked at; when there were too many, how many minutes it has to wait instead.

    Those who try at once take turns, so that no more get through than one after the other would.
    """
    for key in sorted(tries):
        take_turns(session, key)
    wait = minutes_to_wait(session, tries, now)
    if not wait:
        session.add_all(SignInAttempt(key=key, at=now) for key in tries)
    return wait


def forget_tries(session: Session, tries: Collection[str]) -> None:
    """He proved who he is: the account starts anew, and the address gets this one try back."""
    for key in tries:
        question = select(SignInAttempt).where(SignInAttempt.key == key).order_by(SignInAttempt.at.desc())
        for attempt in session.scalars(question.limit(1) if key.startswith('address:') else question):
            session.delete(attempt)


# ---- sessions ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignedIn:
    """A session that is valid at this moment, and who acts in it. Pages keep the one they were loaded with."""

    token_hash: str
    actor: Actor
    email: str
    theme: str
    since: datetime
    seen_at: datetime
    remembered: bool
    must_change: bool = False
    must_set_up: bool = False
    looks_as: int | None = None
    looks_until: datetime | None = None

    @property
    def people(self) -> tuple[int | None, int | None]:
        """Whose standing it depends on: whoever sits there, and as whom he looks."""
        return self.actor.user_id, self.actor.really.user_id

    @property
    def told(self) -> dict[str, int | None]:
        """What each line of the log says of it."""
        actor = self.actor
        who: dict[str, int | None] = {'user': actor.really.user_id, 'office': actor.office_id}
        return {**who, 'looks_as': actor.user_id} if actor.only_looks else who

    def still(self, present: 'SignedIn | None') -> bool:
        """Whether nothing that matters changed since: same person, same office, same rights."""
        return present is not None and _standing(self) == _standing(present)


def _standing(session: SignedIn) -> tuple[object, ...]:
    actor = session.actor
    looks = actor.looker and actor.looker.user_id, session.looks_until
    return actor.user_id, actor.role, actor.office_id, actor.sees_own_only, session.must_change, looks


@dataclass(frozen=True)
class Browser:
    """Where somebody signs in from, and whether it shall remember him."""

    address: str = ''
    name: str = ''
    remember: bool = False


def _may_sign_in() -> tuple[Any, ...]:
    return User.active, or_(User.office_id.is_(None), AgentOffice.active)


# made once, and of columns: every request asks it, and every two seconds it is asked of all open pages
_SIGNED_IN = (
    select(
        *(WebSession.token_hash, WebSession.created_at, WebSession.seen_at),
        *(WebSession.remembered, WebSession.must_set_up, Credential.must_change),
        *(User.id, User.name, User.role, User.office_id, AgentOffice.agents_see_own_only),
        *(User.language, User.email, User.theme, WebSession.looks_as, WebSession.looks_until),
    )
    .join(User, User.id == WebSession.user_id)
    .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
    .outerjoin(Credential, Credential.user_id == User.id)
    .where(WebSession.token_hash.in_(bindparam('tokens', expanding=True)), *_may_sign_in())
    .where(WebSession.expires_at > bindparam('now', type_=Moment))
    .where(or_(WebSession.remembered, WebSession.seen_at > bindparam('idle_since', type_=Moment)))
)


def signed_in(
    session: Session, token_hashes: Collection[str], now: datetime, idle: timedelta = IDLE
) -> dict[str, SignedIn]:
    """Those of the sessions that are valid now. Whoever is idle, too long here, disabled or of a closed office is not."""
    found = answers(session, _SIGNED_IN, tokens=list(token_hashes), now=now, idle_since=now - idle)
    sessions = (_signed_in(*row) for row in found)
    return {one.token_hash: _as_shown(session, one, now) for one in sessions}


def _signed_in(token_hash: str, *found: Any) -> SignedIn:
    """What `_SIGNED_IN` found, in its order."""
    since, seen_at, remembered, must_set_up, must_change, user_id, name, role, office_id, own_only, *choices = found
    language, email, theme, looks_as, looks_until = choices
    own_only = sees_own_only(Role(role), own_only)
    return SignedIn(
        token_hash,
        Actor(user_id, name, Role(role), office_id, sees_own_only=own_only, language=language),
        email or '',
        theme,
        since=since,
        seen_at=seen_at,
        remembered=remembered,
        must_change=must_change is True,
        must_set_up=must_set_up,
        looks_as=looks_as,
        looks_until=looks_until,
    )


def _as_shown(session: Session, one: SignedIn, now: datetime) -> SignedIn:
    """Whoever looks as an agent reads as that agent, for as long as he may; then he is himself again."""
    if one.looks_as is None:
        return one
    # who has something to do before anything else is led there as himself
    is_free = not (one.must_change or one.must_set_up)
    shown = shown_as(session, one.actor, (one.looks_as, one.looks_until), now) if is_free else None
    if shown is None:
        return replace(one, looks_as=None, looks_until=None)
    return replace(one, actor=replace(shown, looker=one.actor))


def shown_as(session: Session, looker: Actor, looks: tuple[int | None, datetime | None], now: datetime) -> Actor | None:
    """Whom somebody looks as now, by what his session keeps: the person, and until when; None when that is over."""
    user_id, until = looks
    if user_id is None or until is None or until <= now:
        return None
    return may_look(session, looker, user_id)


def may_look(session: Session, looker: Actor, user_id: int) -> Actor | None:
    """The person of an office as whom somebody may look, while that person may sign in himself."""
    if looker.only_looks or not looker.may(Can.LOOK_AS):
        return None
    shown = actor_of(session, user_id)
    return shown if shown is not None and shown.role in OFFICE_ROLES else None


def session_of(session: Session, token_hash: str, now: datetime, idle: timedelta = IDLE) -> SignedIn | None:
    """The session a token belongs to, when it is valid now."""
    return signed_in(session, [token_hash], now, idle).get(token_hash)


def in_use(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    """That a session does not lie idle."""
    return or_(WebSession.remembered, WebSession.seen_at > now - idle)


def has_run_out(session: Session, token_hash: str, now: datetime, idle: timedelta = IDLE) -> bool:
    """Whether this was a session that nobody ended: it lasted as long as it may, or lay idle. Its person may sign in again."""
    kept = session.scalar(
        select(WebSession)
        .join(User, User.id == WebSession.user_id)
        .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
        .where(WebSession.token_hash == token_hash, *_may_sign_in())
    )
    return kept is not None and session_of(session, token_hash, now, idle) is None


def sessions_of(*user_ids: int) -> Select[WebSession]:
    """The browsers people are signed in with, the last used first."""
    return select(WebSession).where(WebSession.user_id.in_(user_ids)).order_by(WebSession.seen_at.desc())


def start_session(
    session: Session,
    user_id: int,
    browser: Browser,
    now: datetime,
    longest: timedelta = LONGEST,
    *,
    must_set_up: bool = False,
) -> str:
    """Sign somebody in; returns the token for the cookie. Always a new one: an old one may be known to others."""
    token, token_hash = new_token()
    session.add(
        WebSession(
            token_hash=token_hash,
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + longest,
            remembered=browser.remember,
            address=browser.address[:64],
            browser=browser.name[:256],
            must_set_up=must_set_up,
        )
    )
    return token


def touch_sessions(session: Session, token_hashes: Collection[str], now: datetime) -> None:
    """These were in use until now."""
    question = select(WebSession).where(WebSession.token_hash.in_(token_hashes)).with_for_update(skip_locked=True)
    for kept in session.scalars(question):
        kept.seen_at = now


def end_session(session: Session, token_hash: str, user_id: int | None = None) -> None:
    """Sign one browser out (of `user_id` only, when given); its pages are cut off at once."""
    kept = session.scalar(select(WebSession).where(WebSession.token_hash == token_hash).with_for_update())
    if kept is not None and user_id in (None, kept.user_id):
        _let_go(session, kept)


def end_all_sessions(session: Session, *user_ids: int, except_for: str | None = None) -> int:
    """Sign people out everywhere, or everywhere else; returns how many browsers that were."""
    theirs = sessions_of(*user_ids).with_for_update()
    ended = [kept for kept in session.scalars(theirs) if kept.token_hash != except_for]
    for kept in ended:
        _let_go(session, kept)
    return len(ended)


def _let_go(session: Session, kept: WebSession) -> None:
    stop_looking(session, kept, session.info.get('at') or present())
    session.delete(kept)


def stop_looking(session: Session, kept: WebSession, now: datetime) -> None:
    """Its person looks as nobody any more; the log of access says since when."""
    if kept.looks_as is None or kept.looks_until is None:
        return
    who, shown = session.get_one(User, kept.user_id), session.get_one(User, kept.looks_as)
    session.add(
        Access(
            at=min(now, kept.looks_until),
            user_id=who.id,
            by=who.name,
            what=LOOK_OVER,
            as_user_id=shown.id,
            as_name=shown.name,
        )
    )
    kept.looks_as = kept.looks_until = None


# ---- one-time links ---------------------------------------------------------------------------------------------------------


def make_link(session: Session, purpose: str, user_id: int | None, now: datetime, hours: int) -> str:
    """A fresh link of its kind for a person; returns the token. Earlier ones are void, but for what each browser has of its own."""
    if purpose not in (KNOWN_BROWSER, HALF):
        _void_links(session, purpose, user_id)
    token, token_hash = new_token()
    expires_at = now + timedelta(hours=hours)
    session.add(
        OneTimeLink(token_hash=token_hash, purpose=purpose, user_id=user_id, created_at=now, expires_at=expires_at)
    )
    return token


def _void_links(session: Session, purpose: str, user_id: int | None) -> None:
    for link in session.scalars(_links(purpose, user_id)):
        session.delete(link)


def _links(purpose: str, user_id: int | None) -> Select[OneTimeLink]:
    return select(OneTimeLink).where(
        OneTimeLink.purpose == purpose, OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None)
    )


def first_admin_link(session: Session, now: datetime) -> str | None:
    """On a start without an admin: the token of the link that makes one. Each start voids the one before."""
    return None if _has_admin(session) else make_link(session, FIRST_ADMIN, None, now, hours=24)


def _has_admin(session: Session) -> bool:
    return bool(session.scalar(select(func.count(User.id)).where(User.role == Role.ADMIN, User.active)))


def link_of(session: Session, token: str, now: datetime) -> OneTimeLink | None:
    """The link a token opens, while it may be used."""
    question = (
        select(OneTimeLink)
        .where(OneTimeLink.token_hash == hash_of(token), OneTimeLink.purpose.in_((FIRST_ADMIN, PASSWORD)))
        .where(OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > now)
    )
    if not session.info['reading']:
        # the person first, as whoever closes his account takes them: so nobody waits in a ring
        session.execute(
            select(User.id).where(User.id.in_(question.with_only_columns(OneTimeLink.user_id))).with_for_update()
        )
        question = question.with_for_update()
    link = session.scalar(question)
    if link is None or link.user_id is None:
        return link if link is not None and not _has_admin(session) else None
    return link if actor_of(session, link.user_id) is not None else None


def use_proof(session: Session, token: str, now: datetime) -> bool:
    """Whether a token says that the acting person has just proved who he is; it says so once."""
    actor: Actor = session.info['actor']
    with open_books(session):
        wanted = select(OneTimeLink).where(OneTimeLink.token_hash == hash_of(token), OneTimeLink.purpose == PROOF)
        link = session.scalar(wanted.with_for_update())
        if link is None or link.user_id != actor.user_id or link.used_at is not None:
            return False
        link.used_at = now
        return now - link.created_at <= PROOF_FOR


def half_of(session: Session, token: str, now: datetime) -> OneTimeLink | None:
    """The half of a sign-in that a token stands for: for five minutes, as long as account and password are what they were."""
    question = (
        select(OneTimeLink)
        .join(User, User.id == OneTimeLink.user_id)
        .join(Credential, Credential.user_id == User.id)
        .outerjoin(AgentOffice, AgentOffice.id == User.office_id)
        .where(OneTimeLink.token_hash == hash_of(token), OneTimeLink.purpose == HALF, OneTimeLink.used_at.is_(None))
        .where(OneTimeLink.created_at > now - HALF_FOR, OneTimeLink.created_at >= Credential.changed_at)
        .where(*_may_sign_in())
    )
    return session.scalar(question if session.info['reading'] else question.with_for_update(of=OneTimeLink))


def knows_browser(session: Session, token: str, user_id: int | None, now: datetime) -> bool:
    """Whether this browser has signed in to the account before."""
    link = session.get(OneTimeLink, hash_of(token))
    return (
        link is not None
        and (link.purpose, link.user_id) == (KNOWN_BROWSER, user_id)
        and user_id is not None
        and link.expires_at > now
    )


def forget_browsers(session: Session, user_id: int) -> None:
    """No browser is known to have signed in to the account before: each counts as a stranger until it does again."""
    _void_links(session, KNOWN_BROWSER, user_id)


@dataclass(frozen=True)
class NewAdmin:
    """Who the first admin is."""

    name: str
    email: str


def use_link(session: Session, token: str, password_hash: str, now: datetime, admin: NewAdmin | None = None) -> int:
    """Set the password a link was made for, once; the first admin's link makes the admin. Returns who it is.

    Every session the person had ends: whoever knew the old password is out.
    """
    link = link_of(session, token, now)
    if link is None:
        raise ClaimError(N_('This link is no longer valid. Please ask for a new one.'))
    link.used_at = now
    user_id = link.user_id
    if user_id is None:
        if admin is None:
            raise ValueError('the first admin has a name and an address')
        user = User(name=admin.name, email=admin.email, role=Role.ADMIN, created_at=now)
        session.add(user)
        session.flush()
        user_id = user.id
    keep_password(session, user_id, password_hash, now)
    end_all_sessions(session, user_id)
    return user_id


# ---- tidying ----------------------------------------------------------------------------------------------------------------


def sweep_identity(session: Session, now: datetime, idle: timedelta = IDLE, limit: int = 500) -> int:
    """Throw away what no longer counts: old tries, ended sessions, spent links. Returns how many rows that were."""
    told = now - TOLD_FOR
    stale_session = or_(WebSession.expires_at < told, ~in_use(told, idle))
    spent = or_(OneTimeLink.expires_at < now, OneTimeLink.used_at < now - timedelta(days=1))
    questions: list[Select[Any]] = [
        select(SignInAttempt).where(SignInAttempt.at < now - CODE_WINDOW_LONG),
        select(WebSession).where(stale_session),
        select(OneTimeLink).where(spent),
    ]
    rows = [row for question in questions for row in session.scalars(question.limit(limit).with_for_update())]
    for row in rows:
        if isinstance(row, WebSession):
            stop_looking(session, row, now)
        session.delete(row)
    return len(rows)
