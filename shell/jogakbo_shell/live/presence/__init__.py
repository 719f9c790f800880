"""Who else looks at a fragment, or edits it: seen at once, forgotten within seconds, kept nowhere."""

from jogakbo_shell.live.presence.part import PresencePart
from jogakbo_shell.live.presence.presence import Declares

__all__ = ["Declares", "PresencePart"]
