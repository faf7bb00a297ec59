"""ROS processes that talk to each other on this machine and to nobody else."""

from __future__ import annotations

import os
from pathlib import Path

_PROFILE = Path(__file__).parents[1] / "config" / "fastdds.xml"


def keep_to_this_machine(first_domain: int) -> None:
    """Give this process and its children this machine only, a domain of their own, and memory that images fit into.

    The domain is one of the hundred from ``first_domain`` on, chosen by the process id.
    """
    os.environ |= {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": str(first_domain + os.getpid() % 100),
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(_PROFILE),
        "FASTDDS_DEFAULT_PROFILES_FILE": str(_PROFILE),
    }
