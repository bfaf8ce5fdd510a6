"""How many cores may be used: what control groups grant, in either of their versions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepfilter.engine.cores import granted_cores


def write(root: Path, files: dict[str, str]) -> tuple[Path, Path]:
    """Files of control groups, and of membership in them."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root / "groups", root / "membership"


@pytest.mark.parametrize(
    ("files", "granted"),
    [
        ({"membership": "0::/a/b\n", "groups/a/b/cpu.max": "150000 100000\n"}, 1.5),
        ({"membership": "0::/a/b\n", "groups/a/b/cpu.max": "max 100000\n"}, None),
        (
            {
                "membership": "0::/a/b\n",
                "groups/a/cpu.max": "50000 100000",
                "groups/a/b/cpu.max": "200000 100000",
            },
            0.5,
        ),
        ({"membership": "0::/\n", "groups/cpu.max": "300000 100000\n"}, 3.0),
        ({"membership": "0::/only/on/the/host\n", "groups/cpu.max": "200000 100000\n"}, 2.0),
        (
            {
                "membership": "4:memory:/x\n3:cpu,cpuacct:/x\n",
                "groups/cpu/x/cpu.cfs_quota_us": "250000\n",
                "groups/cpu/x/cpu.cfs_period_us": "100000\n",
            },
            2.5,
        ),
        (
            {
                "membership": "3:cpu,cpuacct:/x\n",
                "groups/cpu/x/cpu.cfs_quota_us": "-1\n",
                "groups/cpu/x/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"membership": "0::/a\n", "groups/a/cpu.max": "nonsense\n"}, None),
        ({}, None),
    ],
)
def test_the_smallest_grant_of_all_groups_counts(
    tmp_path: Path, files: dict[str, str], granted: float | None
) -> None:
    """A group's own limit and those around it; none where there is none, or none to read."""
    assert granted_cores(*write(tmp_path, files)) == granted
