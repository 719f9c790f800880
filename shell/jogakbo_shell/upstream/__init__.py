"""Requests to fragment servers: the port, and its adapter on httpx2."""
