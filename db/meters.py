"""What is measured, for `/metrics`: counters and clocks that every layer turns. Their labels are words of the code, never of people."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_QUICK = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

http_seconds = Histogram(
    'maakav_http_seconds', 'How long a request takes', ('kind', 'status'), registry=REGISTRY, buckets=_QUICK
)
handler_seconds = Histogram(
    *('maakav_handler_seconds', 'How long an order or a question of a page takes, its wait for a thread included'),
    ('kind',),
    registry=REGISTRY,
    buckets=_QUICK,
)
database_wait_seconds = Histogram(
    *(
        'maakav_database_wait_seconds',
        'How long a transaction waits to begin: on SQLite, until it is its turn to write',
    ),
    ('kind',),
    registry=REGISTRY,
    buckets=_QUICK,
)
loop_lag_seconds = Histogram(
    'maakav_loop_lag_seconds', 'How much later than asked the event loop comes', registry=REGISTRY, buckets=_QUICK
)
hashes_waiting = Gauge('maakav_hashes_waiting', 'Passwords that wait to be hashed or are', registry=REGISTRY)
uploads = Counter('maakav_uploads', 'Files that were sent, by what became of them', ('end',), registry=REGISTRY)
