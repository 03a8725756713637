"""Where the latest pull requests of a repository went: folders, file names and extensions."""

from math import log1p

import numpy as np

from steps.scoring import paths
from steps.scoring.online import Indices, RecentCounts
from steps.scoring.reading import Files, Reading, distinct, pair, thing

PAIRED_FOLDERS = 14
FEW_FOLDERS = 0.8
_PLACES = tuple(np.triu_indices(count, 1) for count in range(PAIRED_FOLDERS + 1))


class FileTracks:
    """Folders, files and extensions that were changed of late, as hashes."""

    def __init__(self) -> None:
        self.folders = RecentCounts(1 << 15)
        self.extensions = RecentCounts(1 << 12)
        self.names = RecentCounts(1 << 14)
        self.ancestors = RecentCounts(1 << 15)
        self.pairs = RecentCounts(1 << 18, most=255)

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
            "unnamed_files": log1p(self._count_unnamed(reading)),
            "scattered": self._scatter(files),
        }

    def update(self, reading: Reading) -> None:
        """Remember the changed files of one pull request."""
        if reading.files is None:
            return
        self.folders.update(reading.files.folder_set)
        self.extensions.update(reading.files.extensions)
        self.names.update(reading.files.names)
        self.ancestors.update(reading.files.ancestors)
        self.pairs.update(_pair_folders(reading.files.folder_set))

    def _count_unnamed(self, reading: Reading) -> int:
        """Return how many files are added in folders that are new here and that the texts don't name."""
        files = reading.files
        if files is None or not files.added:
            return 0
        folders = [_folder(files.files[place]["path"]) for place in files.added]
        new = {
            folder
            for folder in set(folders) - {""}
            if not self.ancestors.count(distinct([thing(folder)]))[0] and not _last_words(folder) & reading.text_words
        }
        return sum(folder in new for folder in folders)

    def _scatter(self, files: Files) -> float:
        """Return how wide the changed folders are strewn: those pairs that never changed together, by their number."""
        pairs = _pair_folders(files.folder_set)
        if not len(pairs):
            return 0.0
        strange = float(np.count_nonzero(self.pairs.count(pairs) == 0)) / len(pairs)
        return strange * max(log1p(len(files.folder_set)) - FEW_FOLDERS, 0.0)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _last_words(folder: str) -> frozenset[str]:
    return paths.singular(paths.split_pieces("/".join(folder.split("/")[-2:])))


def _pair_folders(folders: Indices) -> Indices:
    """Return the hashes of all pairs of the first folders."""
    some = folders[:PAIRED_FOLDERS]
    first, second = _PLACES[len(some)]
    return pair(some[first], some[second])


FILE_FEATURES: tuple[str, ...] = (
    "new_folders",
    "new_extensions",
    "new_root_files",
    "new_binaries",
    "new_files",
    "deleted_tests",
    "unnamed_files",
    "scattered",
)
