"""Anomalies: the few pull requests of a repository that differ from the others, for a detector to find."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from samples.drafts import Draft

ANOMALY_SHARE = 0.01


def vendored_dump(draft: Draft, random: Random) -> None:
    """Add a copy of somebody else's code under an ordinary title."""
    draft.additions = 4_000 + draft.additions * random.randint(50, 300)
    draft.files *= random.randint(10, 40)
    draft.commits = 1
    draft.work = "dump"


def mass_deletion(draft: Draft, random: Random) -> None:
    """Delete a large part of the repository."""
    draft.deletions = 3_000 + draft.deletions * random.randint(30, 200)
    draft.files *= random.randint(8, 25)
    draft.work = "deletion"


def large_typo(draft: Draft, random: Random) -> None:
    """Announce a typo in the title of a rewrite."""
    draft.title = random.choice(("fix typo", "small fix", "docs: fix a typo", "minor cleanup"))
    draft.additions = 700 + draft.additions * random.randint(5, 20)
    draft.files += random.randint(8, 30)
    draft.labels = ()
    draft.work = "sweep"


def drive_by(draft: Draft, random: Random) -> None:
    """Add a line by an unknown author."""
    draft.author, draft.bot = f"visitor-{random.randint(1000, 9999)}", False
    draft.title = random.choice(("Update README.md", "Create hello.txt", "test", ".", "Add my name"))
    draft.body, draft.labels, draft.assignees = "", (), ()
    draft.additions, draft.deletions, draft.files, draft.commits = random.randint(1, 3), 0, 1, 1
    draft.merged, draft.open_hours = False, random.uniform(0.5, 30)
    draft.work = "new-file" if draft.title == "Create hello.txt" else "drive-by"


def night_shift(draft: Draft, random: Random) -> None:
    """Change many files without a description, at an hour when the author sleeps."""
    draft.created -= timedelta(hours=random.uniform(10, 14))
    draft.body, draft.labels = "", ()
    draft.files += random.randint(25, 60)
    draft.additions += random.randint(200, 900)
    draft.work = "sweep"


def many_commits(draft: Draft, random: Random) -> None:
    """Use many commits for a tiny change."""
    draft.commits = random.randint(25, 70)
    draft.additions, draft.deletions, draft.files = random.randint(1, 6), random.randint(0, 6), 1


ANOMALIES: tuple[Callable[[Draft, Random], None], ...] = (
    vendored_dump,
    mass_deletion,
    large_typo,
    drive_by,
    night_shift,
    many_commits,
)
