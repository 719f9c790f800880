"""Figures about the caches in front of the shell."""

from __future__ import annotations

from prometheus_client import Counter

PURGES = Counter("jogakbo_shell_edge_purges", "Purges sent to edges, by outcome.", ["outcome"])
