"""`/metrics`: figures for Prometheus, on a port of their own, off unless METRICS_PORT names one; nothing of them is of a person."""

import logging
from collections.abc import Iterator

from nicegui import Client
from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from components import sessions, sockets
from db import meters, vitals
from db.base import now
from db.scope import Actor
from db.session import fetch, open_session
from db.settings import Settings
from db.timetable import heartbeats

log = logging.getLogger(__name__)
_ACTOR = Actor.system('metrics')


def measure(settings: Settings) -> None:
    """Answer on the port the settings name, in a thread that costs no page anything."""
    if settings.metrics_port:
        if not any(isinstance(known, _Now) for known in meters.REGISTRY._collector_to_names):
            meters.REGISTRY.register(_Now())
        start_http_server(settings.metrics_port, settings.metrics_host, registry=meters.REGISTRY)


class _Now(Collector):
    """What is not counted as it happens but looked at when somebody asks."""

    def describe(self) -> list[Metric]:
        """Nothing: it would ask the database before there is one."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Pages, sockets and refusals of this process; jobs, alerts and mail of the whole installation."""
        yield GaugeMetricFamily('maakav_pages', 'Pages that are open here', len(Client.instances))
        yield GaugeMetricFamily('maakav_sockets', 'Sockets that are open here', sockets.count())
        refused = CounterMetricFamily('maakav_guard_refused', 'What the guard turned away', labels=['reason'])
        for reason, times in dict(sessions.refused).items():
            refused.add_metric([reason], times)
        yield refused
        try:
            yield from _of_the_database()
        except vitals.NoAnswer:
            log.exception('the database tells no figures')


def _of_the_database() -> Iterator[Metric]:
    yield from _jobs()
    waits, place = vitals.follower()
    yield GaugeMetricFamily('maakav_changes_wait', 'Whether changes wait to be alerted', int(waits))
    yield CounterMetricFamily('maakav_changes_followed', 'The last change that is alerted', place)
    yield CounterMetricFamily('maakav_alerts', 'Alerts ever made', vitals.newest_alert())
    mails = GaugeMetricFamily('maakav_mails', 'Mails by what became of them', labels=['state'])
    for state, many in vitals.mails().items():
        mails.add_metric([state], many)
    yield mails


def _jobs() -> Iterator[Metric]:
    done = GaugeMetricFamily('maakav_job_done_timestamp_seconds', 'When a job last ended well', labels=['job'])
    age = GaugeMetricFamily('maakav_job_age_seconds', 'How long ago that was', labels=['job'])
    fails = GaugeMetricFamily('maakav_job_fails', 'How often it has failed since', labels=['job'])
    late = GaugeMetricFamily('maakav_job_late', 'Whether it is late', labels=['job'])
    moment = now()
    with open_session(_ACTOR, reading=True) as session:
        for run in fetch(session, heartbeats()):
            fails.add_metric([run.name], run.fails)
            late.add_metric([run.name], run.is_late(moment))
            if run.ended_at is not None:
                done.add_metric([run.name], run.ended_at.timestamp())
                age.add_metric([run.name], (moment - run.ended_at).total_seconds())
    yield from (done, age, fails, late)
