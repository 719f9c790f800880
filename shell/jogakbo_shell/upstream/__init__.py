"""Requests to fragment servers: the port, the pool that speaks HTTP/1.1 behind it, and the same on httpx2.

From outside in: `pool` (all origins, one deadline timer) → `origin_pool` (connections and who waits for one) →
`connection` (one socket) → `exchange` (one request) → `answer_reader` (one answer after another, byte by byte).
"""
