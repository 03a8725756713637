"""The images that a run pulled: the time and the compressed size of each."""

import re

from tests.cluster import kube
from tests.cluster.argo import Run

PULLED = re.compile(
    r'Successfully pulled image "\S+/(?P<name>[\w-]+)@\S+" in (?P<time>\S+) \(.*\)\. Image size: (?P<size>\d+) bytes'
)
MB = 1_000_000


def build_table(run: Run) -> list[str]:
    """Build a row for each image that was pulled."""
    events = kube.get("events", "--field-selector", "reason=Pulled")["items"]
    found = [
        pulled.groupdict()
        for event in events
        if event["involvedObject"]["name"].startswith(f"{run.name}-") and (pulled := PULLED.match(event["message"]))
    ]
    rows = [f"| {one['name']} | {int(one['size']) / MB:.0f} | {one['time']} |" for one in found]
    return [
        "| image | MB compressed | pulled in |",
        "|---|---:|---:|",
        *(rows or ["| none: all images were present | | |"]),
    ]
