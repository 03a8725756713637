"""Kinds of anomalies that no choice ever sees: rows of the split `held_out`, to check what the others have led to."""

from random import Random

from steps.preprocess import injected_files, slop
from steps.preprocess.injected_files import FALLBACK, Files, Lines
from steps.preprocess.injection import Injected, Kind, Past, alter, stranger
from steps.scoring.reading import Pull

BOT_LOGINS = ("dependabot-ci", "renovate-updates", "dependabott", "deps-bot-{n}", "renovatebot-{n}", "auto-bump-{n}")
PACKAGES = ("lodash", "requests", "serde", "jackson-core", "protobuf", "urllib3", "webpack", "tokio", "rack", "numpy")
WORKFLOWS = tuple(f".github/workflows/{name}.yml" for name in ("ci", "test", "build", "release", "publish", "lint"))
WORKFLOW_TITLES = (
    "Update CI configuration",
    "Fix failing workflow",
    "ci: update workflow permissions",
    "Improve build pipeline",
    "Update GitHub Actions",
    "Fix CI",
)
WORKFLOW_BODIES = (
    "",
    "CI was failing for me, this fixes it.",
    "This updates the workflow so that it runs on forks too.",
    "Small change to the pipeline.",
)


def polished_slop(pull: Pull, past: Past, random: Random) -> Injected | None:
    """A new account explains at length, and tidily, why two lines of a README or a comment had to change."""
    additions, deletions = random.randint(1, 4), random.randint(0, 2)
    path = random.choice([FALLBACK, *past.paths(1, random)])
    text = slop.compose(path, random)
    tiny = {"additions": additions, "deletions": deletions, "changed_files": 1, "commits": 1}
    files = [injected_files.change(path, additions, deletions, "M")]
    author = stranger(pull, random) | {"head_ref": random.choice(["main", "patch-1", "docs/clarity", "improve-docs"])}
    return [alter(pull, **tiny, **author, title=text.title, body=text.body, files=files)]


def impersonated_bot(pull: Pull, past: Past, random: Random) -> Injected | None:
    """A person's account with a dependency bot's name and words changes source code or workflows."""
    if pull["files"] is None:
        return None
    login = random.choice(BOT_LOGINS).format(n=random.randint(1, 99))
    title, body = _bump(past, random)
    count = random.randint(1, 4)
    lines = Lines(random.randint(5, 80), random.randint(0, 30))
    paths = [*past.paths(count, random), *random.sample(WORKFLOWS, 2)]
    files = injected_files.limit_to_listed(
        injected_files.modify_files(random.sample(paths, len(paths)), count, lines, random)
    )
    author = stranger(pull, random, login) | {"head_ref": f"bump/{random.choice(PACKAGES)}-{random.randint(1, 9)}.x"}
    sizes = {**lines._asdict(), "changed_files": count, "commits": 1}
    return [alter(pull, **sizes, **author, title=title, body=body, files=files)]


def workflow_edit(pull: Pull, past: Past, random: Random) -> Injected | None:
    """Somebody unknown edits what runs with the repository's rights."""
    if pull["files"] is None:
        return None
    count = random.choice([1, 1, 1, 2])
    lines = Lines(random.randint(2, 20), random.randint(0, 8))
    files: Files = injected_files.limit_to_listed(
        injected_files.modify_files(random.sample(WORKFLOWS, count), count, lines, random)
    )
    author = stranger(pull, random) | {"head_ref": random.choice(["patch-1", "fix-ci", "ci", "main"])}
    texts = {"title": random.choice(WORKFLOW_TITLES), "body": random.choice(WORKFLOW_BODIES)}
    return [alter(pull, **lines._asdict(), **author, **texts, changed_files=count, commits=1, files=files)]


def _bump(past: Past, random: Random) -> tuple[str, str]:
    """A bot's words of this repository where it has one, else words that such bots use everywhere."""
    if past.bumps:
        text = random.choice(past.bumps)
        return text.title, text.body
    package, major, minor = random.choice(PACKAGES), random.randint(1, 9), random.randint(0, 20)
    title = f"Bump {package} from {major}.{minor}.0 to {major}.{minor + 1}.0"
    return title, f"{title.replace('Bump', 'Bumps')}.\n\nRelease notes and changelog are in the package's repository."


HELD_OUT_KINDS: tuple[Kind, ...] = (polished_slop, impersonated_bot, workflow_edit)
"""Every kind that is never used in any choice; its function's name is its name everywhere."""
