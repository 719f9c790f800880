"""All that can be broken, one coroutine each: it breaks, waits, mends, and returns when what it broke works again."""

from chaos.live.faults import servers, tabs, valkey, wires, workers
from chaos.live.faults.fault import FAULTS, Fault, Place, Stage

__all__ = ["FAULTS", "Fault", "Place", "Stage", "servers", "tabs", "valkey", "wires", "workers"]
