"""One event name and fields per line, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


def configure_logs(*, level: str, form: str) -> None:
    """`form` is `console` (for people) or `json` (for machines); every line carries `member=shell`."""
    renderer = structlog.processors.JSONRenderer() if form == "json" else _for_people
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(member="shell")


def _for_people(_: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict) -> str:
    """`14:05:07Z request method=GET path=/board status=200 …`; `jogak up` puts the member's name in front."""
    level, exception = event.pop("level"), event.pop("exception", "")
    words = [f"{event.pop('timestamp')[11:19]}Z", *([level.upper()] if level != "info" else []), event.pop("event")]
    event.pop("member", None)
    event.pop("request_id", None)
    event["trace_id"] = event.get("trace_id", "")[:8]
    line = " ".join([*words, *(f"{name}={value}" for name, value in event.items() if value != "")])
    return f"{line}\n{exception}" if exception else line
