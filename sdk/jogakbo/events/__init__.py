"""The event kit: outbox, relay, consumer."""

from jogakbo.events.bus import connect_bus
from jogakbo.events.consumer import Consumer
from jogakbo.events.outbox import Outbox, Outgoing
from jogakbo.events.relay import Relay

__all__ = ["Consumer", "Outbox", "Outgoing", "Relay", "connect_bus"]
