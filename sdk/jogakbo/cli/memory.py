"""What a process costs in memory, shared pages counted by their share."""

from pathlib import Path


def resident_bytes(pid: int) -> int | None:
    """PSS of a process in bytes; None where the system does not tell (not Linux, process gone)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("Pss:")), None)
    return None if kilobytes is None else int(kilobytes) * 1024


def megabytes(count: int | None) -> str:
    """`23 MB`, or `–` for unknown."""
    return "–" if count is None else f"{count / 1_000_000:.0f} MB"
