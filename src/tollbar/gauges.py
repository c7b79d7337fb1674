"""What the parts of a gateway count by themselves, shown with the metrics.

Functions that read a value when Prometheus asks; they must never change anything.
"""

import time
from typing import TYPE_CHECKING

from tollbar.net.tcp import StreamPort
from tollbar.net.udp import UdpPort

if TYPE_CHECKING:
    from tollbar.server import Server


def measure(server: "Server") -> None:
    """What others count, shown with the metrics."""
    writer, gauges, sums = server.writer, server.metrics.gauges, server.metrics.sums
    assert writer is not None
    assert server.archive is not None
    gauges.update(server.archive.gauges())
    sums.update(server.archive.sums())
    streams = [port for port in server.ports if isinstance(port, StreamPort)]
    datagrams = [port for port in server.ports if isinstance(port, UdpPort)]
    gauges.update(
        {
            ("tollbar_record_backlog", "Changes waiting for the disk."): lambda: writer.backlog,
            ("tollbar_disk_failing", "1 while records cannot be written."): lambda: (
                server.disk.failing
            ),
            ("tollbar_draining", "1 while no new calls are taken."): lambda: (
                server.departure.draining
            ),
            ("tollbar_chats_in_progress", "Chats of SIP MESSAGEs that are open."): lambda: len(
                server.engine.chats
            ),
            ("tollbar_guessing_locks", "Callers locked for guessing codes."): lambda: len(
                server.engine.gate.locks(time.time())
            ),
            ("tollbar_connections", "TCP and TLS connections."): lambda: sum(
                len(port.connections) for port in streams
            ),
        }
    )
    sums.update(
        {
            ("tollbar_send_errors", "Messages that could not be sent."): lambda: (
                server.driver.send_errors
            ),
            ("tollbar_datagrams_dropped", "Datagrams the full socket did not take."): lambda: sum(
                port.dropped for port in datagrams
            ),
            ("tollbar_connections_refused", "Connections beyond the bounds."): lambda: sum(
                port.refused for port in streams
            ),
            (
                "tollbar_guessing_locks_made",
                "Locks for guessing codes since the start.",
            ): lambda: server.engine.gate.guesses.made,
            ("tollbar_log_lines_dropped", "Log lines nobody took."): lambda: server.outlet.dropped,
            ("tollbar_records_refused", "Calls turned away for want of disk."): lambda: (
                writer.refused
            ),
            (
                "tollbar_refusals_not_recorded",
                "Calls turned away whose record found no room.",
            ): lambda: writer.overflowed,
        }
    )
