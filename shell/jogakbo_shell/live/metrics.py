"""What live tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60)

CONNECTIONS = Gauge("jogakbo_live_connections", "Open streams to browsers")
REFUSED = Counter("jogakbo_live_refused_total", "Streams refused, by reason", ["reason"])
CUT = Counter("jogakbo_live_cut_total", "Streams cut because the browser did not read")
EVENTS = Counter("jogakbo_live_events_total", "Events read from the bus", ["stream"])
RESYNCS = Counter("jogakbo_live_resyncs_total", "Streams taken up anew, by reason", ["stream", "reason"])
LAG = Histogram("jogakbo_live_lag_seconds", "From an event's commit to its reading here", buckets=_LAG_BUCKETS)
RENDERS = Counter("jogakbo_live_renders_total", "Renders for open pages, by state", ["state"])
COALESCED = Counter("jogakbo_live_coalesced_total", "Changes that joined a render already due")
FRAMES = Counter("jogakbo_live_frames_total", "Frames put into mailboxes")
BUS_AWAY = Gauge("jogakbo_live_bus_away", "1 while the bus cannot be reached")
MAILBOX_OVERFLOWS = Counter("jogakbo_live_mailbox_overflows_total", "Streams cut because too much waited for them")
FRAME_AGE = Histogram(
    "jogakbo_live_frame_age_seconds",
    "From a change's commit to the sending of the frame that shows it",
    buckets=_LAG_BUCKETS,
)
POLLS = Counter("jogakbo_live_polls_total", "Questions of browsers that get no stream, answered at once")
ROTATIONS = Counter("jogakbo_live_rotations_total", "Streams asked to connect again because of their age")
PRESENCE_PEOPLE = Gauge("jogakbo_live_presence_people", "People who look at something whose presence is shown")
PRESENCE_IGNORED = Counter("jogakbo_live_presence_ignored_total", "Messages of other workers that made no sense")
REVOCATIONS = Counter("jogakbo_live_revocations_total", "Sessions of which this worker learned that they are over")
