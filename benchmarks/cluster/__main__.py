"""What running on a cluster costs and gains: `python -m benchmarks.cluster` prints three tables.

It takes the pipeline and the stand-ins as `make test-cluster` leaves them on the cluster that KUBECONFIG names. Times
of pulling are those of images that no node had; the last table needs the REPLAY_SERVER in the stand-ins' image.
"""

import os

from benchmarks.cluster import overhead, parallel, pulls


def main() -> None:
    """Measure and print."""
    run = overhead.kept_run()
    print("\n".join(overhead.table(run)), end="\n\n")
    print("\n".join(pulls.table(run)), end="\n\n")
    if "REPLAY_SERVER" in os.environ:
        print("\n".join(parallel.table()))
    run.delete()


if __name__ == "__main__":
    main()
