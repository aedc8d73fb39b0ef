"""The way of an observation through the daemon. Read this first.

    scheduler ──▶ checker ──▶ [observations] ──▶ collector ──▶ store.write(ledger.record)
                                                                  │ one transaction:
    web ──▶ heartbeats.intake ──▶ store.write(recording.record) ──┤ check, rollups, vote, verdict, state,
                              the ping, its runs and deadlines    │ timeline, incident, content, outbox
    heartbeats.watcher ──▶ store.write(recording.decide) ─────────┤
                              deadlines that were missed          ▼ after the commit
                       hub ──▶ dispatcher (outbox), reminders, scheduler (changes), dashboard (events)

Everything that waits stands in the database; the channel between the checks and the collector is bounded, so that
a store that can't keep up slows the checks down instead of filling the memory. For the same reason no observation
holds a body: a reply is made a content within its check, and only if that is not known already.
"""

from collections import Counter
from collections.abc import Callable

import attrs
import trio

from asura import metrics
from asura.clock import Clock
from asura.consensus.service import Record
from asura.incidents import contents, ledger
from asura.model.observation import Observation
from asura.store.database import Conn, Store

_CHECKS = metrics.counter("asura_checks_total", "Checks that were recorded, by what they saw.", ("status",))

BACKLOG = 4096
"""Observations between the checks and the collector, about a kilobyte each. While thousands of targets fail at once it
is the eight seconds for which a disk may be busy before the checks of healthy ones wait for it."""


@attrs.frozen
class Channels:
    """The bounded channel between the checks and the collector."""

    send: trio.MemorySendChannel[Observation]
    receive: trio.MemoryReceiveChannel[Observation]


def open_channels() -> Channels:
    """A fresh, empty channel."""
    send, receive = trio.open_memory_channel[Observation](BACKLOG)
    return Channels(send, receive)


def recorder(store: Store, clock: Clock, *, base_url: Callable[[], str]) -> Record:
    """The function that makes observations durable with everything that follows from them."""
    diffs = trio.CapacityLimiter(1)

    async def record(observations: list[Observation]) -> None:
        url = base_url()
        findings = await contents.compare(store, observations, limiter=diffs)

        def write(conn: Conn) -> None:
            now_ms = clock.now_ms()
            ledger.record(conn, observations, now_ms=now_ms, base_url=url)
            contents.record(conn, findings, now_ms=now_ms, base_url=url)

        await store.write(write)
        for status, count in Counter(observation.outcome.status.value for observation in observations).items():
            _CHECKS.inc(count, status=status)

    return record
