"""Schema versions, an archive and closed days for the events; snapshots with the hash of their schema."""

from jogakbo.service.event_store.migrations import add_archive

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    add_archive("till")


def downgrade() -> None:
    raise NotImplementedError("archived events cannot be dropped; restore a backup instead")
