"""Where the latest pull requests of a repository went: folders, file names and extensions."""

from math import log1p

import numpy as np

from steps.scoring import paths
from steps.scoring.online import RecentCounts
from steps.scoring.reading import Reading, thing


class FileTracks:
    """Folders, files and extensions that were changed of late, as hashes."""

    def __init__(self) -> None:
        self.folders = RecentCounts(1 << 15)
        self.extensions = RecentCounts(1 << 12)
        self.names = RecentCounts(1 << 14)

    def features(self, reading: Reading) -> dict[str, float]:
        """Return how far the changed files are off the beaten track; zeros where they aren't known."""
        files = reading.files
        if files is None:
            return dict.fromkeys(FILE_FEATURES, 0.0)
        unknown = set(files.folder_set[self.folders.count(files.folder_set) == 0].tolist())
        added = [files.files[place]["path"] for place in files.added]
        new_extensions = 0
        if added:
            found = np.array([thing(f"extension {paths.extension(path)}") for path in added], np.int64)
            new_extensions = int(np.count_nonzero(self.extensions.count(found) == 0))
        return {
            "new_folders": log1p(sum(folder in unknown for folder in files.folders)),
            "new_extensions": log1p(new_extensions),
            "new_root_files": log1p(sum("/" not in path for path in added)),
            "new_binaries": log1p(len(files.binaries)),
            "new_files": float(np.count_nonzero(self.names.count(files.names) == 0)) / len(files.names),
            "deleted_tests": log1p(files.net_deletions(paths.TEST)),
        }

    def update(self, reading: Reading) -> None:
        """Remember the changed files of one pull request."""
        if reading.files is None:
            return
        self.folders.update(reading.files.folder_set)
        self.extensions.update(reading.files.extensions)
        self.names.update(reading.files.names)


FILE_FEATURES: tuple[str, ...] = (
    "new_folders",
    "new_extensions",
    "new_root_files",
    "new_binaries",
    "new_files",
    "deleted_tests",
)
