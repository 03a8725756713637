"""The few pull requests of a repository that are not like the others, for a detector to find."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from samples.drafts import Draft

ODD_SHARE = 0.01


def vendored_dump(draft: Draft, random: Random) -> None:
    """A copy of somebody else's code comes in under an ordinary title."""
    draft.additions = 4_000 + draft.additions * random.randint(50, 300)
    draft.files *= random.randint(10, 40)
    draft.commits = 1
    draft.work = "dump"


def mass_deletion(draft: Draft, random: Random) -> None:
    """A large part of the repository goes."""
    draft.deletions = 3_000 + draft.deletions * random.randint(30, 200)
    draft.files *= random.randint(8, 25)
    draft.work = "deletion"


def large_typo(draft: Draft, random: Random) -> None:
    """The title promises a word, the diff is a rewrite."""
    draft.title = random.choice(("fix typo", "small fix", "docs: fix a typo", "minor cleanup"))
    draft.additions = 700 + draft.additions * random.randint(5, 20)
    draft.files += random.randint(8, 30)
    draft.labels = ()
    draft.work = "sweep"


def drive_by(draft: Draft, random: Random) -> None:
    """Somebody unknown leaves a line and goes."""
    draft.author, draft.bot = f"visitor-{random.randint(1000, 9999)}", False
    draft.title = random.choice(("Update README.md", "Create hello.txt", "test", ".", "Add my name"))
    draft.body, draft.labels, draft.assignees = "", (), ()
    draft.additions, draft.deletions, draft.files, draft.commits = random.randint(1, 3), 0, 1, 1
    draft.merged, draft.open_hours = False, random.uniform(0.5, 30)
    draft.work = "new-file" if draft.title == "Create hello.txt" else "drive-by"


def night_shift(draft: Draft, random: Random) -> None:
    """Many files at an hour when its author sleeps, and not a word about it."""
    draft.created -= timedelta(hours=random.uniform(10, 14))
    draft.body, draft.labels = "", ()
    draft.files += random.randint(25, 60)
    draft.additions += random.randint(200, 900)
    draft.work = "sweep"


def many_commits(draft: Draft, random: Random) -> None:
    """A long way to a tiny change."""
    draft.commits = random.randint(25, 70)
    draft.additions, draft.deletions, draft.files = random.randint(1, 6), random.randint(0, 6), 1


ODDITIES: tuple[Callable[[Draft, Random], None], ...] = (
    vendored_dump,
    mass_deletion,
    large_typo,
    drive_by,
    night_shift,
    many_commits,
)
