"""Anomalies to inject among real pull requests, to measure a detector by: eight kinds, each with its story."""

from datetime import datetime, timedelta
from random import Random

from steps.preprocess import injected_files
from steps.preprocess.injected_files import FALLBACK, Lines
from steps.preprocess.injection import Injected, Kind, Past, alter, stranger
from steps.scoring.reading import Pull

MAX_INJECTED_LINES = 2**30
MIN_SIZES = 100
VETERAN = 20
BURST = 5
BROWSER_EDITS = {
    "Update README.md": ("README.md", "M"),
    "Create test.txt": ("test.txt", "A"),
    ".": ("README.md", "M"),
    "Update index.html": ("index.html", "M"),
    "hello": ("hello.txt", "A"),
    "Patch 1": ("README.md", "M"),
}
"""Titles that say nothing, each with the file that it is about and what becomes of it."""


def _times(count: int, factor: float) -> int:
    return min(round(max(count, 1) * factor), MAX_INJECTED_LINES)


def vendored_dump(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Somebody checks in a whole dependency."""
    additions = _times(pull["additions"], random.uniform(50, 500))
    changed_files = _times(pull["changed_files"], random.uniform(5, 50))
    own, more = pull["files"] or [], changed_files - pull["changed_files"]
    vendored = injected_files.add_vendored_files(own, more, additions - pull["additions"], random)
    files = injected_files.limit_to_listed([*own, *vendored])
    return [alter(pull, additions=additions, changed_files=changed_files, files=files)]


def mass_deletion(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Far more goes than comes."""
    deletions = _times(max(pull["additions"] + pull["deletions"], 10), random.uniform(30, 200))
    additions = pull["additions"] // 10
    changed_files = _times(pull["changed_files"], random.uniform(2, 10))
    more = changed_files - pull["changed_files"]
    own = injected_files.resize(pull["files"] or [], Lines(additions, 0), random)
    taken = {file["path"] for file in own}
    paths = [path for path in past.paths(more, random) if path not in taken]
    files = injected_files.limit_to_listed([*own, *injected_files.remove_files(paths, more, deletions, random)])
    return [alter(pull, deletions=deletions, additions=additions, changed_files=changed_files, files=files)]


def big_typo_fix(pull: Pull, past: Past, random: Random) -> Injected | None:
    """The title speaks of a typo, the diff is among the repository's largest twentieth."""
    if len(past.sizes) < MIN_SIZES:
        return None
    largest = sorted(past.sizes, key=lambda size: int(size["additions"] + size["deletions"]))[-len(past.sizes) // 20 :]
    title = random.choice(["Fix typo", "Fix typo in comment", "typo", "Minor spelling fix", "fix small typos"])
    return [alter(pull, **random.choice(largest), title=title)]


def outsider_junk(pull: Pull, past: Past, random: Random) -> Injected | None:
    """A stranger's edit in the browser that says nothing."""
    title = random.choice([*BROWSER_EDITS])
    path, status = BROWSER_EDITS[title]
    additions, deletions = random.randint(1, 3), random.randint(0, 1)
    deletions = 0 if status == "A" else deletions
    small = {"additions": additions, "deletions": deletions, "changed_files": 1, "commits": 1}
    files = [injected_files.change(path, additions, deletions, status)]
    author = stranger(pull, random) | {"head_ref": random.choice(["patch-1", "patch-1", "patch-2", "main"])}
    return [alter(pull, **small, **author, title=title, body="", files=files)]


def hijacked_maintainer(pull: Pull, past: Past, random: Random) -> Injected | None:
    """A long-standing author's account, at the hour it is seen least, touches many files without a word."""
    people = (login for login, account in past.accounts.items() if account["author_type"] != "Bot")
    veterans = sorted(login for login in people if sum(past.hours[login]) >= VETERAN)
    if not veterans:
        return None
    login = random.choice(veterans)
    hours = past.hours[login]
    around = [hours[hour] * 2 + hours[hour - 1] + hours[(hour + 1) % 24] for hour in range(24)]
    opened = pull["created_at"].replace(hour=around.index(min(around)))
    count = random.randint(15, 60)
    additions = max(pull["additions"], count * random.randint(1, 8))
    lines = Lines(additions, pull["deletions"])
    files = injected_files.limit_to_listed(injected_files.modify_files(past.paths(count, random), count, lines, random))
    wide = {"changed_files": count, "additions": additions, "files": files}
    return [alter(pull, **wide, **past.accounts[login], body="", author=login, created_at=opened)]


def commit_flood(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Dozens of commits for next to no change."""
    additions, deletions = random.randint(1, 4), random.randint(0, 2)
    path = pull["files"][0]["path"] if pull["files"] else FALLBACK
    tiny = {"additions": additions, "deletions": deletions, "changed_files": 1}
    files = [injected_files.change(path, additions, deletions, "M")]
    return [alter(pull, **tiny, commits=random.randint(20, 80), files=files)]


def wrong_repository(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Title and body belong to another project; the files are the repository's own."""
    if not past.foreign:
        return None
    text = random.choice(past.foreign)
    return [alter(pull, title=text.title, body=text.body)]


def copycat_burst(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Five strangers open the same thing within an hour."""
    opened: datetime = pull["created_at"]
    gaps = sorted((random.randint(1, 55) for _ in range(BURST - 1)), reverse=True)
    times = [*(opened - timedelta(minutes=gap) for gap in gaps), opened]
    return [alter(pull, created_at=at, **stranger(pull, random)) for at in times]


KINDS: tuple[Kind, ...] = (
    vendored_dump,
    mass_deletion,
    big_typo_fix,
    outsider_junk,
    hijacked_maintainer,
    commit_flood,
    wrong_repository,
    copycat_burst,
)
"""Every kind that may decide something; its function's name is its name everywhere."""
