"""How many cores this process may use: its affinity, and what its control groups grant it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from math import ceil
from pathlib import Path
from typing import Final

GROUPS: Final = Path("/sys/fs/cgroup")
MEMBERSHIP: Final = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Cores that may be used at once, at least 1.

    Examples
    --------
    >>> 1 <= usable_cores() <= (os.cpu_count() or 1)
    True
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = granted_cores(GROUPS, MEMBERSHIP)
    return allowed if granted is None else max(min(allowed, ceil(granted)), 1)


@cache
def granted_cores(groups: Path, membership: Path) -> float | None:
    """The least share of processor time that the process' control groups grant, in cores.

    Parameters
    ----------
    groups : Path
        Where control groups are mounted.
    membership : Path
        The file that says which groups the process is in.

    Returns
    -------
    float or None
        None where nothing limits it, or nothing can be read.
    """
    limits = [limit for folder in _folders(groups, membership) for limit in _limits(folder)]
    return min(limits, default=None)


def _folders(groups: Path, membership: Path) -> Iterator[Path]:
    """The folders of the process' groups, and of all around them, of either version of control groups."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / "cpu" if controllers else groups
        inside = Path(path.lstrip("/"))
        # In a container the path may be the host's: the root then is the group itself.
        yield root
        for part in (inside, *inside.parents):
            yield root / part


def _limits(folder: Path) -> Iterator[float]:
    """What a group grants, where it limits at all."""
    with suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        if quota != "max":
            yield int(quota) / int(period)
    with suppress(OSError, ValueError):
        old_quota = int((folder / "cpu.cfs_quota_us").read_text())
        if old_quota > 0:
            yield old_quota / int((folder / "cpu.cfs_period_us").read_text())
