"""The costs and benefits of running on a cluster: `python -m benchmarks.cluster` prints three tables.

It uses the pipeline and the fake services that `make test-cluster` leaves on the cluster of KUBECONFIG. Missing images
are pulled in a separate run; the last table needs the REPLAY_SERVER in the image of the fake services.
"""

import os

from benchmarks.cluster import overhead, parallel, pulls
from tests.cluster.project import no_champion


def main() -> None:
    """Measure and print."""
    with no_champion():
        first, second = overhead.create_kept_run(), overhead.create_kept_run()
    print("\n".join(pulls.build_table(first)), end="\n\n")
    print("\n".join(overhead.build_table(second)), end="\n\n")
    if "REPLAY_SERVER" in os.environ:
        print("\n".join(parallel.build_table()))
    for run in (first, second):
        run.delete()


if __name__ == "__main__":
    main()
