"""Git by its own command, in a clone that is thrown away: nothing of a person's working tree is touched."""

import base64
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from release import images
from release.images import COMPONENT, MODEL, Release
from release.settings import GitSettings
from steps.common.errors import ConfigurationError, DataError, NotFound, Unavailable

STAGING, PRODUCTION = "staging", "main"
ATTEMPTS = 10
LONGEST_WAIT_SECONDS = 0.5
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "PR Sentinel's release"), ("EMAIL", "release@pr-sentinel.invalid"))
}


class Clone:
    """A clone of the repository, which holds all of its branches."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = environment

    def run(self, *arguments: str, folder: Path | None = None) -> str:
        """What `git` prints.

        Raises:
            Unavailable: it fails.
        """
        return _run(*arguments, folder=folder or self.folder, environment=self._environment)

    def refresh(self) -> None:
        """Bring the branches up to date."""
        self.run("fetch", "--quiet", "--prune", "origin")

    def head(self, branch: str) -> str:
        """The commit that a branch stands at.

        Raises:
            NotFound: there is no such branch.
        """
        if not self.has(branch):
            raise NotFound(f"There is no branch {branch}.", advice="Push it first.")
        return self.run("rev-parse", f"refs/remotes/origin/{branch}")

    def has(self, branch: str) -> bool:
        """Whether there is such a branch."""
        return bool(self.run("for-each-ref", f"refs/remotes/origin/{branch}"))

    def remote_head(self, branch: str) -> str:
        """The commit that a branch stands at now, at the server; empty where there is none."""
        return self.run("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]

    def tree(self, commit: str) -> str:
        """The hash of all that a commit holds."""
        return self.run("rev-parse", f"{commit}^{{tree}}")

    def contains(self, commit: str, other: str) -> bool:
        """Whether a commit has another one among its forebears."""
        return self.run("merge-base", commit, other) == other

    def show(self, commit: str, path: str) -> str:
        """A file of a commit."""
        return self.run("show", f"{commit}:{path}") + "\n"

    def release(self, commit: str) -> Release:
        """The images and the model of a commit."""
        return images.read(self.show(commit, COMPONENT), self.show(commit, MODEL))

    def history(self, branch: str) -> Iterator[Release]:
        """Every release that a branch has held, the newest first; what can't be read is left out."""
        for commit in self.run(
            "log", "--first-parent", "--format=%H", self.head(branch), "--", COMPONENT, MODEL
        ).split():
            try:
                yield self.release(commit)
            except DataError:
                continue

    def merged(self, into: str, branch: str) -> str:
        """The tree that merging one commit into another gives.

        Raises:
            DataError: they contradict each other.
        """
        try:
            return self.run("merge-tree", "--write-tree", into, branch).splitlines()[0]
        except Unavailable:
            raise DataError(
                f"{PRODUCTION} and {STAGING} contradict each other.", advice=f"Merge {PRODUCTION} into {STAGING} first."
            ) from None

    @contextmanager
    def files(self, commit: str) -> Iterator[Path]:
        """A commit's files, in a folder for as long as the block takes."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "files"
            self.run("worktree", "add", "--quiet", "--detach", str(folder), commit)
            try:
                yield folder
            finally:
                self.run("worktree", "remove", "--force", str(folder))

    def commit(self, parent: str, texts: Mapping[str, str], message: str) -> str:
        """A commit on another one with these files changed; the parent itself where nothing differs."""
        with self.files(parent) as folder:
            for path, text in texts.items():
                (folder / path).write_text(text, "utf-8")
            if not self.run("status", "--porcelain", folder=folder):
                return parent
            self.run("commit", "--quiet", "--all", "--message", message, folder=folder)
            return self.run("rev-parse", "HEAD", folder=folder)

    def merge(self, into: str, branch: str) -> str:
        """A commit that merges one commit into another.

        Raises:
            DataError: they contradict each other.
        """
        tree = self.merged(into, branch)
        message = f"Merge {PRODUCTION} into {STAGING}"
        return self.run("commit-tree", tree, "-p", into, "-p", branch, "-m", message)

    def push(self, commit: str, branch: str, expected: str) -> bool:
        """Move a branch of the server to a commit, if it still stands where it is expected (empty: nowhere).

        Returns:
            Whether it was moved; not, if somebody else was quicker.

        Raises:
            Unavailable: the server refuses for another reason.
        """
        lease = f"--force-with-lease=refs/heads/{branch}:{expected}"
        try:
            self.run("push", "--quiet", lease, "origin", f"{commit}:refs/heads/{branch}")
        except Unavailable:
            if self.remote_head(branch) == expected:
                raise
            return False
        return True

    def move(self, branch: str, change: Callable[[str], str]) -> bool:
        """Push what `change` makes of a branch's commit; where somebody else was quicker, make it anew of theirs.

        Returns:
            Whether there was anything to push.

        Raises:
            Unavailable: others were quicker each time.
        """
        for _ in range(ATTEMPTS):
            self.refresh()
            before = self.head(branch)
            after = change(before)
            if after == before:
                return False
            if self.push(after, branch, before):
                return True
            time.sleep(random.uniform(0, LONGEST_WAIT_SECONDS))  # noqa: S311  nothing secret
        raise Unavailable(f"Others kept pushing to {branch}.", advice="Run it again.")


@contextmanager
def clone(settings: GitSettings) -> Iterator[Clone]:
    """A clone, for as long as the block takes.

    Raises:
        ConfigurationError: nothing says where the repository is.
        Unavailable: it can't be cloned.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clone"
        environment = _environment(settings)
        remote = settings.git_remote or origin()
        _run("clone", "--quiet", "--no-checkout", remote, str(folder), folder=Path(scratch), environment=environment)
        yield Clone(folder, environment)


def origin() -> str:
    """Where the working tree's own clone comes from.

    Raises:
        ConfigurationError: it has no origin.
    """
    try:
        return _run("remote", "get-url", "origin", folder=Path.cwd(), environment=os.environ)
    except Unavailable:
        raise ConfigurationError(
            "This working tree has no origin.", advice="Give the repository's address as GIT_REMOTE."
        ) from None


def check_clean(folder: Path) -> None:
    """Refuse a working tree with changes, which a person could take for what is released.

    Raises:
        DataError: it has some.
    """
    changed = _run("status", "--porcelain", folder=folder, environment=os.environ).splitlines()
    if changed:
        listed = ", ".join(line[2:].strip() for line in changed[:5])
        raise DataError(f"The working tree has changes: {listed}.", advice="Commit and push them, or put them away.")


def _environment(settings: GitSettings) -> dict[str, str]:
    """No questions at a terminal, and the token in a header, so that it is in no address and no command line."""
    own = dict(os.environ) | AUTHOR | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    if settings.github_token is None:
        return own
    word = base64.b64encode(f"x-access-token:{settings.github_token.get_secret_value()}".encode()).decode()
    return own | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.https://github.com/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
    }


def _run(*arguments: str, folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  no shell reads the arguments
        ["git", *arguments],  # noqa: S607  whichever git a person uses
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        raise Unavailable(f"git {arguments[0]} failed: {said[-1]}", advice="Check the repository's address and rights.")
    return done.stdout.strip()
