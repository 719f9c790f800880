"""The headers between shell and fragment server."""

from __future__ import annotations

LOCALE = "podium-locale"
MOUNT_ORIGIN = "podium-mount-origin"
MOUNT_PATHNAME = "podium-mount-pathname"
PUBLIC_PATHNAME = "podium-public-pathname"
REQUESTED_BY = "podium-requested-by"
DEVICE_TYPE = "podium-device-type"
DEBUG = "podium-debug"
VERSION = "podlet-version"

USER_AGENT = "@podium/client jogakbo"
"""How the shell names itself: a podlet in development mode believes the context of whoever begins with the first word,
and of nobody else.
"""

PAGE = "jogakbo-page"
"""Path and query of the page that a form was on; only on requests under ``/-/`` and ``/podium-resource/``."""

FRAGMENT = "jogakbo-fragment"
"""On the answer to an action: the fragment that the HTML is, such as ``orders/track?id=42``."""

TRACEPARENT = "traceparent"
REQUEST_ID = "x-request-id"

LOCALES = ("en", "ko")
"""The languages of the portal; the first is the default."""
