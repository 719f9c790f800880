"""A page put together, all but the query in its links; the next view of it is often made of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from operator import is_
from typing import TYPE_CHECKING

from jogakbo_shell.composition.composition import Composition, Plain
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot, Part, QuerySlot
from jogakbo_shell.web.conditional import weak_etag
from jogakbo_shell.web.header_block import HeaderBlock

if TYPE_CHECKING:
    from jogakbo_shell.web.variants import Variant


@dataclass(slots=True, eq=False)
class Assembled:
    """`rendered`, or the same markup fetched once more (`plain`), with this grant and cursor, is this page.

    `pieces` are what stands between the places of the query; `headers` speak of its parts; `mark` is what its ETag is
    made of. `variant` is the one with the assets that these fragments ask for.
    """

    variant: Variant
    rendered: Sequence[Rendered | None]
    plain: tuple[Plain, ...] | None
    grant: str
    cursor: str
    mark: str
    pieces: Sequence[bytes]
    headers: HeaderBlock

    def is_of(self, rendered: Sequence[Rendered | None], grant: str, cursor: str) -> bool:
        """Whether these very fragments make it; equal ones are not the same, for they took another time."""
        return self.grant == grant and self.cursor == cursor and all(map(is_, self.rendered, rendered))

    def is_like(self, plain: tuple[Plain, ...] | None, grant: str, cursor: str) -> bool:
        return plain is not None and (self.plain, self.grant, self.cursor) == (plain, grant, cursor)

    def body(self, query: str) -> bytes:
        return escape(query).encode().join(self.pieces)

    def etag(self, query: str) -> str:
        return weak_etag((self.mark, query)) if query else self.mark


def pieces_of(parts: Sequence[Part], composition: Composition) -> list[bytes]:
    """A page of which all is there, cut where the query goes."""
    rendered, whole = composition.rendered, composition.markup
    markups = (it.markup if not it.holes else whole(at) or b"" for at, it in enumerate(rendered) if it is not None)
    pieces: list[bytes] = []
    run: list[bytes] = []
    for part in parts:
        if isinstance(part, bytes):
            run.append(part)
        elif isinstance(part, FragmentSlot):
            run.append(next(markups))
        elif isinstance(part, QuerySlot):
            pieces.append(b"".join(run))
            run = []
    return [*pieces, b"".join(run)]
