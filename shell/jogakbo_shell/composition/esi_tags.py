"""ESI tags in a Jinja2 template: each include becomes a call of `esi_include`, and every line stays where it was."""

from __future__ import annotations

import json

from jinja2 import TemplateSyntaxError
from jinja2.ext import Extension

from jogakbo_shell.composition.esi import EsiFault, Part, read_esi


class EsiTags(Extension):
    """Read before Jinja2 does, so nothing that a template prints can be taken for a tag."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        try:
            return "".join(map(_as_jinja, read_esi(source)))
        except EsiFault as fault:
            raise TemplateSyntaxError(str(fault), fault.line, name, filename) from fault


def _as_jinja(part: Part) -> str:
    gone = "\n" * part.lines
    if part.include is not None:
        src, alt = json.dumps(part.include.src), json.dumps(part.include.alt)
        return f"{{{{ esi_include({src}, {alt}, {part.include.onerror_continue}{gone}) }}}}"
    return part.text or (f"{{#{gone}#}}" if gone else "")
