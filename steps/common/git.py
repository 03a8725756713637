"""Git in a folder, also in the hook of another repository."""

import os

PLACES = frozenset(
    {
        *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
        *("GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX"),
    }
)
"""What names a repository or a part of one (`git rev-parse --local-env-vars`), which comes before the folder."""


def find_by_folder() -> dict[str, str]:
    """Return the environment in which Git finds its repository by the folder; the user's configuration counts."""
    return {name: value for name, value in os.environ.items() if name not in PLACES}
