"""The settings, read from the environment and .env once at the start and refused loudly when wrong."""

import re
from email.utils import parseaddr
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_ADDRESS = re.compile(r"[\w.%+'-]+@[\w.-]+")


class SettingsError(SystemExit):
    """Ends the program with one readable message instead of a traceback, wherever the settings are read."""


class Settings(BaseSettings):
    """One installation. The order is the one of .env.example; later fields may lean on earlier ones."""

    model_config = SettingsConfigDict(env_file_encoding='utf-8', env_ignore_empty=True, extra='forbid', frozen=True)

    host: str = '127.0.0.1'
    port: int = Field(8080, ge=1, le=65535)
    data_dir: Path = Path('data')
    database_url: str = Field(
        default_factory=lambda given: f'sqlite:///{given.get("data_dir", "data")}/maakav.db',
        repr=False,  # holds a password
    )
    documents_url: str = Field(
        default_factory=lambda given: f'file:{given.get("data_dir", "data")}/documents',
        repr=False,  # may hold a secret
    )
    clamd_url: str = ''
    backup_dir: Path = Field(default_factory=lambda given: Path(given.get('data_dir', 'data')) / 'backups')
    backup_hours: int = Field(24, ge=0, le=24 * 31)
    backup_minutes: int = Field(15, ge=0, le=24 * 60)
    backup_recipient: str = ''
    base_url: str = Field(default_factory=lambda given: f'http://localhost:{given.get("port", 8080)}')
    smtp_url: str = Field('', repr=False)  # holds a password
    mail_from: str = ''
    help_contact: str = Field('', max_length=200)
    secure_cookies: bool = False
    forwarded_allow_ips: str = '127.0.0.1'
    metrics_host: str = '127.0.0.1'
    metrics_port: int = Field(0, ge=0, le=65535)
    log_level: Literal['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] = 'INFO'
    session_idle_hours: int = Field(12, ge=1)
    session_max_days: int = Field(30, ge=1)
    password_max_age_days: int = Field(180, ge=0)
    two_factor_key: str = Field('', repr=False)  # is a secret

    @field_validator('data_dir', 'backup_dir')
    @classmethod
    def _is_a_folder(cls, path: Path) -> Path:
        path = path.expanduser()
        if path.exists() and not path.is_dir():
            raise ValueError('is a file, not a folder')
        return path

    @field_validator('database_url')
    @classmethod
    def _is_a_database(cls, url: str) -> str:
        try:
            parts = make_url(url)
        except (ArgumentError, ValueError):
            raise ValueError('is not a database address like postgresql+psycopg://user:password@host/name') from None
        if parts.drivername not in {'sqlite', 'postgresql+psycopg'}:
            raise ValueError('starts with sqlite:/// or postgresql+psycopg://')
        if parts.drivername == 'sqlite' and (parts.database or ':memory:') == ':memory:':
            raise ValueError('names no file; a database in memory would be empty again after each start')
        return url

    @field_validator('documents_url')
    @classmethod
    def _is_a_store(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == 's3' and not parts.hostname:
            raise ValueError('names no bucket; it is an address like s3://bucket/prefix?endpoint=https://…&region=…')
        if parts.scheme not in {'file', 's3'} or not (parts.netloc or parts.path):
            raise ValueError('starts with file: or s3://')
        return url

    @field_validator('clamd_url')
    @classmethod
    def _is_a_scanner(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and not (parts.scheme == 'tcp' and parts.hostname) and not (parts.scheme == 'unix' and parts.path):
            raise ValueError('is not an address like tcp://127.0.0.1:3310 or unix:///run/clamav/clamd.ctl')
        return url

    @field_validator('smtp_url')
    @classmethod
    def _is_a_mail_server(cls, url: str) -> str:
        parts = urlsplit(url)
        try:
            known = not url or (parts.scheme in {'smtp', 'smtps'} and parts.hostname and (parts.port or True))
        except ValueError:
            known = False
        if not known:
            raise ValueError('is not an address like smtp://user:password@mail.example.org:587 or smtps://…:465')
        if parts.path.strip('/') or parts.query or parts.fragment:
            raise ValueError('ends with the port; a password with / ? # or @ is written with %2F %3F %23 %40')
        return url

    @field_validator('mail_from')
    @classmethod
    def _is_a_sender(cls, sender: str) -> str:
        name, address = parseaddr(sender)
        if sender and not (_ADDRESS.fullmatch(address) and name.isprintable()):
            raise ValueError('is not an address like claims@example.org or Maakav <claims@example.org>')
        return sender

    @field_validator('base_url')
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {'http', 'https'} or not parts.hostname:
            raise ValueError('is not an address like https://claims.example.org')
        if parts.path.strip('/') or parts.query or parts.fragment:
            raise ValueError('has no path; Maakav stands at the root of its address')
        return f'{parts.scheme}://{parts.netloc}'

    @field_validator('forwarded_allow_ips')
    @classmethod
    def _names_its_proxies(cls, proxies: str) -> str:
        networks = [part.strip() for part in proxies.split(',')]
        if '*' in networks or any(ip_network(network, strict=False).prefixlen == 0 for network in networks):
            raise ValueError('would believe every stranger about his address; name the proxies')
        return ','.join(networks)

    @field_validator('two_factor_key')
    @classmethod
    def _is_long(cls, key: str) -> str:
        if key and len(key) < 32:
            raise ValueError('has at least 32 signs, such as `openssl rand -hex 32` makes')
        return key

    @field_validator('log_level', mode='before')
    @classmethod
    def _in_capitals(cls, level: str) -> str:
        return level.upper()

    @model_validator(mode='after')
    def _fits_together(self) -> Self:
        if self.base_url.startswith('https://') and not self.secure_cookies:
            raise ValueError('SECURE_COOKIES must be true when BASE_URL starts with https')
        if self.smtp_url and not self.mail_from:
            raise ValueError('MAIL_FROM is needed with SMTP_URL: the address mails come from')
        if self.session_idle_hours > self.session_max_days * 24:
            raise ValueError('SESSION_IDLE_HOURS is longer than SESSION_MAX_DAYS')
        if self.backup_hours and self.backup_minutes >= self.backup_hours * 60:
            raise ValueError(
                'BACKUP_MINUTES must be shorter than BACKUP_HOURS: small backups come between whole ones; 0 makes none'
            )
        return self

    def make_data_dir(self) -> None:
        """Make the folder of the data where it is not there yet; nobody else of this machine reads it."""
        self.data_dir.mkdir(0o700, parents=True, exist_ok=True)


def load(env_file: Path | None = Path('.env'), **given: Any) -> Settings:
    """Read the settings; `given` wins over the environment, and the environment over the file."""
    try:
        return Settings(_env_file=env_file, **given)
    except ValidationError as error:
        raise SettingsError(_told(error)) from None


def _told(error: ValidationError) -> str:
    # a default that leans on a wrong value is not a second fault
    faults = [_told_fault(dict(fault)) for fault in error.errors() if fault['type'] != 'default_factory_not_called']
    return '\n'.join(['Maakav cannot start; fix this in the environment or in .env (see .env.example):', *faults])


def _told_fault(fault: dict[str, Any]) -> str:
    """Name the variable, and repeat its value unless it may hold a secret."""
    name, reason = '.'.join(str(part) for part in fault['loc']), fault['msg'].removeprefix('Value error, ')
    if not name:
        return f'  {reason}'
    field = Settings.model_fields.get(name)
    if field is None:
        return f'  {name.upper()} is no setting of Maakav'
    value = f' ({fault["input"]!r})' if field.repr else ''
    return f'  {name.upper()}{value}: {reason}'
