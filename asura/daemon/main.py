"""The root of the daemon: the store outermost, HTTP innermost, each part started only when those it needs are ready.

Stopping goes the other way: nothing new is accepted or begun, running checks and deliveries end, the collector
drains, the store is checkpointed and closed. What isn't done in `server.shutdown_timeout` is cancelled; nothing is
lost by that, because all that waits stands in the database.
"""

import gc
import resource
import sys
from functools import partial
from ipaddress import ip_network
from pathlib import Path

import trio

from asura import __version__, log
from asura.api.services import Services
from asura.checker import rules
from asura.checker.known import Known
from asura.checker.service import Checker
from asura.clock import SystemClock
from asura.config.live import Live
from asura.config.load import load
from asura.config.schema import Config
from asura.consensus.service import collect
from asura.daemon import pipeline, privileges, signals, systemd
from asura.daemon.journal import keep_journal
from asura.daemon.supervise import Supervisor
from asura.errors import AsuraError, ConfigError
from asura.heartbeats.intake import Intake
from asura.heartbeats.watcher import Watcher
from asura.incidents.reminders import remind
from asura.live import Hub
from asura.netguard import Guard
from asura.notifications.service import deliver
from asura.protocols.attempt import Env
from asura.protocols.contexts import TlsContexts
from asura.retention.service import Keep, prune
from asura.scheduler.service import Scheduler
from asura.store.database import Store, StoreOptions, open_store
from asura.web.app import build_app, build_pings
from asura.web.listener import listen
from asura.web.options import ListenOptions

SWITCH_S = 0.001
"""How long one thread keeps the interpreter while another wants it. With Python's 5 ms the event loop waits for the
writer after nearly every system call once there is much to write: with 64 busy pingers p99 was twice as long."""

_log = log.get(__name__)


async def run(
    config: Config,
    *,
    config_path: Path | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the daemon until a signal stops it; `started()` gives the addresses that it listens on.

    Raises:
        StoreError: the database can't be used.
        StartFailed: a part could not be started.
        CrashLoop: a part crashes again and again.

    """
    failure: AsuraError | None = None
    privileges.keep_to_ourselves()
    sys.setswitchinterval(SWITCH_S)
    _allow_open_files()
    hub = Hub()
    options = StoreOptions(
        path=config.database.path,
        max_read_conns=config.database.max_read_conns,
        synchronous="normal" if config.database.synchronous == "normal" else "full",
    )
    try:
        async with open_store(options, hub=hub) as store:
            await _Daemon(config, store, hub, config_path=config_path).run(task_status)
    except* AsuraError as group:
        failure = _first(group)
    if failure is not None:
        raise failure


def _allow_open_files() -> None:
    """A thousand clients and thousands of checks need more descriptors than the usual soft limit of 1,024."""
    try:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as exc:
        _log.warning("limit of open files not raised", problem=str(exc))


def _places(wanted: int) -> int:
    """How many checks may run at once, said aloud when that is less than was asked for."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = rules.places(wanted, open_files=None if limit == resource.RLIM_INFINITY else limit)
    if found < wanted:
        remedy = f"let {wanted + rules.RESERVED_FILES} files be open (LimitNOFILE), or lower monitor.max_concurrent"
        _log.warning("fewer checks at once than configured", max_concurrent=found, open_files=limit, remedy=remedy)
    return found


def _first(group: BaseExceptionGroup[AsuraError]) -> AsuraError:
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    assert isinstance(inner, AsuraError)
    return inner


class _Daemon:
    """The parts and what they share. Made once the store is open, gone before it closes."""

    def __init__(self, config: Config, store: Store, hub: Hub, *, config_path: Path | None) -> None:
        self._config_path = config_path
        self._live = Live(config)
        self._store = store
        self._clock = SystemClock()
        self._stopping = trio.Event()
        self._tls = TlsContexts()
        self._guard = _guard(config)
        self._record = pipeline.recorder(store, self._clock, base_url=self._base_url)
        known = Known()
        hub.attach(known)
        self._checker = Checker(
            env=self._env,
            clock=self._clock,
            max_concurrent=_places(config.monitor.max_concurrent),
            known=known,
        )
        self._hub = hub
        self._intake = Intake(store, self._clock, base_url=self._base_url)

    def _env(self) -> Env:
        monitor = self._live.current.monitor
        return Env(
            guard=self._guard,
            tls=self._tls,
            command_allowlist=monitor.command_allowlist,
            command_timeout_s=monitor.command_timeout,
            docker_sockets=monitor.docker_sockets,
        )

    def _base_url(self) -> str:
        return self._live.current.base_url

    async def run(self, task_status: trio.TaskStatus[list[str]]) -> None:
        async with trio.open_nursery() as background:
            async with trio.open_nursery() as parts:
                supervisor = Supervisor(parts)
                await background.start(
                    partial(
                        signals.follow,
                        stop=partial(self._stop, parts.cancel_scope),
                        stop_at_once=parts.cancel_scope.cancel,
                        reload=self._reload,
                    )
                )
                urls = await self._start_parts(supervisor)
                await background.start(systemd.watchdog)
                gc.collect()
                gc.freeze()
                _log.info("ready", version=__version__, address=self._base_url(), listening=" ".join(urls))
                systemd.notify("READY=1", f"STATUS=serving {self._base_url()}")
                task_status.started(urls)
            background.cancel_scope.cancel()
        _log.info("stopped")

    async def _start_parts(self, supervisor: Supervisor) -> list[str]:
        channels = pipeline.open_channels()
        scheduler = Scheduler(self._store, self._checker, self._clock, send=channels.send)

        async def schedule(*, task_status: trio.TaskStatus[None]) -> None:
            await scheduler.run(stopping=self._stopping, task_status=task_status)
            channels.send.close()

        start = supervisor.start
        store, clock, stopping = self._store, self._clock, self._stopping
        watcher = Watcher(
            store, clock, self._intake, base_url=self._base_url, check_interval_s=self._heartbeat_check_interval_s
        )
        await start("collector", partial(collect, channels.receive, self._record))
        await start("dispatcher", partial(deliver, store, clock, guard=lambda: self._guard, stopping=stopping))
        await start("journal", partial(keep_journal, store, stopping=stopping))
        await start("reminders", partial(remind, store, clock, base_url=self._base_url, stopping=stopping))
        await start("retention", partial(prune, store, clock, keep=self._keep, stopping=stopping))
        await start("scheduler", schedule)
        await start("pings", self._intake.run)
        await start("heartbeats", partial(watcher.run, stopping=stopping))
        services = Services(
            store=store,
            hub=self._hub,
            clock=clock,
            config=self._live,
            checker=self._checker,
            intake=self._intake,
            record=self._record,
            guard=lambda: self._guard,
            env=self._env,
            health=supervisor.health,
            stopping=stopping,
            started_at_ms=clock.now_ms(),
            base_url=self._base_url,
        )
        app = build_app(services)
        pings = build_pings(services, app)

        async def serve(*, task_status: trio.TaskStatus[list[str]]) -> None:
            options = _listen_options(self._live.current)
            await listen(app, options, pings=pings, stopping=stopping, task_status=task_status)
            self._intake.close()

        urls = await start("http", serve)
        assert isinstance(urls, list)
        return urls

    def _heartbeat_check_interval_s(self) -> float:
        return self._live.current.monitor.heartbeat_check_interval

    def _keep(self) -> Keep:
        database = self._live.current.database
        return Keep(
            raw_days=database.raw_retention_days, days=database.retention_days, period_s=database.retention_period
        )

    def _stop(self, scope: trio.CancelScope) -> None:
        systemd.notify("STOPPING=1")
        self._stopping.set()
        scope.deadline = trio.current_time() + self._live.current.server.shutdown_timeout

    def _reload(self) -> None:
        """Read the configuration again; a bad one is refused whole and the old one stays in force."""
        if self._config_path is None:
            return
        try:
            new = load(self._config_path)
        except ConfigError as exc:
            for problem in exc.problems:
                _log.error("configuration refused, the old one stays in force", problem=problem)
            return
        before = self._live.current
        changed, needs_restart = self._live.reload(new)
        current = self._live.current
        log.configure(level=current.logging.level, format=current.logging.format)
        if before.monitor != current.monitor:
            self._guard = _guard(current)
            self._checker.renew()
        _log.info("configuration reloaded", changed=" ".join(changed), needs_restart=" ".join(needs_restart))


def _guard(config: Config) -> Guard:
    return Guard(allow_private=config.monitor.allow_private_targets, allowed_networks=config.monitor.allowed_networks)


def _listen_options(config: Config) -> ListenOptions:
    host, port = config.server.address
    return ListenOptions(
        host=host,
        port=port,
        tls_cert=config.server.tls_cert,
        tls_key=config.server.tls_key,
        trusted_proxies=tuple(ip_network(each) for each in config.server.trusted_proxies),
        max_body_bytes=config.server.max_body_size,
        shutdown_timeout_s=config.server.shutdown_timeout,
    )
