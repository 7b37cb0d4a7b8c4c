"""What requests hold in memory at the moment: waits for an end, and bodies that are not read yet."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.body_room import UnreadBodies
from storage.listener import TerminalListener


class LoadMetrics(Collector):
    def __init__(self, listener: TerminalListener, bodies: UnreadBodies) -> None:
        self._listener = listener
        self._bodies = bodies

    def collect(self) -> Iterable[Metric]:
        listening = float(self._listener.listening.is_set())
        yield GaugeMetricFamily(
            "proposals_waiters", "Waits for an operation's end.", value=self._listener.subscriptions
        )
        yield GaugeMetricFamily("proposals_listening", "1 while ends are told by PostgreSQL.", value=listening)
        yield GaugeMetricFamily(
            "proposals_unread_body_bytes",
            "Bytes of bodies that are received or wait to be read.",
            value=self._bodies.size,
        )
