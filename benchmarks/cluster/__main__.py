"""What running on a cluster costs and gains: `python -m benchmarks.cluster` prints three tables.

It takes the pipeline and the stand-ins as `make test-cluster` leaves them on the cluster that KUBECONFIG names. Images
that no node has are pulled in a run of their own; the last table needs the REPLAY_SERVER in the stand-ins' image.
"""

import os

from benchmarks.cluster import overhead, parallel, pulls
from tests.cluster.project import no_champion


def main() -> None:
    """Measure and print."""
    with no_champion():
        first, second = overhead.kept_run(), overhead.kept_run()
    print("\n".join(pulls.table(first)), end="\n\n")
    print("\n".join(overhead.table(second)), end="\n\n")
    if "REPLAY_SERVER" in os.environ:
        print("\n".join(parallel.table()))
    for run in (first, second):
        run.delete()


if __name__ == "__main__":
    main()
