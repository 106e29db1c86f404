"""The server as a process of its own: its log, signals and messages to its operator."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial

import attrs
import trio

from tcpchat import streams
from tcpchat.address import Address
from tcpchat.log import Log, LogWriter, configure, set_level
from tcpchat.service.app import App, cap_connections, open_app
from tcpchat.service.node import Node
from tcpchat.service.reload import Apply, Read, Reloader, Step
from tcpchat.service.systemd import Notifier
from tcpchat.serving.self_signed import ends_soon
from tcpchat.serving.sockets import addresses, non_loopback
from tcpchat.serving.tls import Certificate
from tcpchat.settings import Settings
from tcpchat.times import Clock, SystemClock, timestamp

COLLECT_AFTER = 10_000  # new objects. Default: 700
SWITCH_INTERVAL = 0.0005  # seconds for which the loop may keep the writer thread waiting. Default: 0.005


def run_server(settings: Settings, read_settings: Read) -> None:
    """Run a server with the system's clock, disk and signals until it is stopped. Raises StartError.

    `read_settings` reads the settings again from the same sources.
    """
    writer = LogWriter(streams.STDERR)
    log = configure(writer, format=settings.running.log_format, level=settings.running.log_level)
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        environment = Environment(read_settings, Notifier(os.environ), _terminal_watch())
        trio.run(serve, settings, log, environment)
    finally:
        writer.close()


@attrs.frozen
class Environment:
    """The surroundings of the process."""

    read_settings: Read
    notifier: Notifier
    has_hung_up: Callable[[], bool]
    """Whether a SIGHUP means that the terminal of the server was closed."""


async def serve(settings: Settings, log: Log, environment: Environment) -> None:
    """Run a server until SIGTERM or SIGINT; a second one ends the process at once. SIGHUP reloads.

    Prints `listening on HOST:PORT` to stdout when clients can connect, a line more for TLS, and one for the
    fingerprint of a certificate that the server made. Raises StartError.
    """
    notifier = environment.notifier
    streams.keep_going(lambda error: log.warning("stdout cannot be written", error=error.strerror))
    async with open_app(settings, log, SystemClock()) as app:
        status = f"listening on {_join(addresses(app.plain))}"
        steps = reloads(app.node, app.certificate, log)
        reloader = Reloader(settings, environment.read_settings, steps, log, notifier, status)
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_handle_signals, signals, app.node, reloader, log, environment)
                nursery.start_soon(reloader.run)
                nursery.start_soon(notifier.keep_alive)
                async with trio.open_nursery() as running:
                    await running.start(app.run)
                    _tune_collector()
                    print(status, flush=True)
                    _report(settings, app, log)
                    notifier.ready(status)
                nursery.cancel_scope.cancel()
    log.info("stopped")


def _tune_collector() -> None:
    """Let the collector of cycles cost less: each message makes objects, and hardly any is in a cycle.

    What there is by now stays as long as the process, so it need not be visited again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _report(settings: Settings, app: App, log: Log) -> None:
    """Report where the server listens and stores data, and which listeners others can eavesdrop on."""
    plain = addresses(app.plain)
    if app.certificate is not None:
        by_tls = _join(addresses([listener.transport_listener for listener in app.encrypted]))
        print("listening with TLS on", by_tls, flush=True)
        log.info("tls", listening_on=by_tls, fingerprint=app.certificate.fingerprint)
        if settings.tls.tls_self_signed:
            _report_self_signed(app.certificate, app.clock, log)
    if readable := non_loopback(plain):
        log.warning(
            "not encrypted; others on the network can read messages sent here", listening_on=_join(readable)
        )
    data = settings.storage.folder or "in memory"
    log.info("ready", data=data, listening_on=_join(plain))


def _report_self_signed(certificate: Certificate, clock: Clock, log: Log) -> None:
    """Show what users compare, at every level of the log, and warn before the certificate ends."""
    print("fingerprint", certificate.fingerprint, flush=True)
    path = certificate.settings.tls_cert
    assert path is not None
    ends = ends_soon(path, clock.now())
    if ends is not None:
        log.warning(
            "the certificate ends; clients with --tls-ca refuse it then, others do not",
            at=timestamp(ends),
            file=path,
        )


def _join(addresses: Iterable[Address]) -> str:
    return ", ".join(map(str, addresses))


def reloads(node: Node, certificate: Certificate | None, log: Log) -> list[Step]:
    """Return the steps by which SIGHUP applies the settings that were read again."""
    steps: list[Step] = [
        lambda settings: partial(set_level, log, settings.running.log_level),
        lambda settings: lambda: node.apply(cap_connections(settings, log)),
    ]
    if certificate is not None:
        steps.append(lambda _: _new_certificate(certificate, log))
    return steps


def _new_certificate(certificate: Certificate, log: Log) -> Apply:
    """Read the certificate again, for new connections. Raises StartError."""
    use = certificate.read_again()

    def apply() -> None:
        use()
        log.info("certificate reloaded", fingerprint=certificate.fingerprint)

    return apply


def _terminal_watch() -> Callable[[], bool]:
    """Return a function that tells whether the terminal was closed; without one it returns False."""
    had_one = os.isatty(streams.STDIN)
    return lambda: had_one and not os.isatty(streams.STDIN)


async def _handle_signals(
    signals: AsyncIterator[int],
    node: Node,
    reloader: Reloader,
    log: Log,
    environment: Environment,
) -> None:
    async for number in signals:
        if number == signal.SIGHUP and not environment.has_hung_up():
            reloader.ask()
            continue
        log.info("stopping", signal=signal.Signals(number).name)
        environment.notifier.stopping()
        node.stop()
        break
    async for number in signals:
        if number != signal.SIGHUP:
            # Everything acknowledged is on disk, so this is as safe as kill -9.
            os._exit(128 + number)
