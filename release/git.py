"""Git through its own command, in a temporary clone that leaves the caller's working tree alone."""

import base64
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from release import images
from release.images import COMPONENT, MODEL, Release
from release.settings import GitSettings
from steps.common.errors import ConfigurationError, DataError, NotFound, Unavailable
from steps.common.git import find_by_folder

STAGING, PRODUCTION = "staging", "main"
COMMIT = re.compile(r"[0-9a-f]{40}")
FILE_MODE = "100644"
MAX_ATTEMPTS = 10
MAX_WAIT_SECONDS = 0.5
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "PR Sentinel release"), ("EMAIL", "release@pr-sentinel.invalid"))
}


class Clone:
    """A clone of the repository with all of its branches."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = environment

    def run(self, *arguments: str, folder: Path | None = None, given: str = "", **variables: str) -> str:
        """Run `git` on what it is given to read, with more environment variables, and return its output.

        Raises:
            Unavailable: the command fails.
        """
        environment = {**self._environment, **variables}
        return _run(*arguments, folder=folder or self.folder, environment=environment, given=given)

    def refresh(self) -> None:
        """Fetch all branches."""
        self.run("fetch", "--quiet", "--prune", "origin")

    def head(self, branch: str) -> str:
        """Return the commit at the head of a branch.

        Raises:
            NotFound: there is no such branch.
        """
        if not self.has_branch(branch):
            raise NotFound(f"The branch {branch} does not exist.", advice="Push it first.")
        return self.run("rev-parse", f"refs/remotes/origin/{branch}")

    def resolve(self, name: str) -> str:
        """Return the commit that a branch, a tag, a hash or an expression such as `main~3` names.

        Raises:
            NotFound: it names none.
        """
        try:
            return self.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except Unavailable:
            raise NotFound(f"{name!r} names no commit.", advice="Name a branch, a tag or a commit.") from None

    def has_commit(self, name: str) -> bool:
        """Return whether this is the full hash of a commit that the clone has."""
        return bool(COMMIT.fullmatch(name)) and self._is_known(name)

    def _is_known(self, commit: str) -> bool:
        try:
            self.run("cat-file", "-e", f"{commit}^{{commit}}")
        except Unavailable:
            return False
        return True

    def has_branch(self, branch: str) -> bool:
        """Return whether a branch exists."""
        return bool(self.run("for-each-ref", f"refs/remotes/origin/{branch}"))

    def remote_head(self, branch: str) -> str:
        """Return the commit at the head of a branch on the server now; empty if there is no such branch."""
        return self.run("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]

    def tree(self, commit: str) -> str:
        """Return the tree hash of a commit."""
        return self.run("rev-parse", f"{commit}^{{tree}}")

    def has_ancestor(self, commit: str, other: str) -> bool:
        """Return whether a commit has another one among its ancestors."""
        return self.run("merge-base", commit, other) == other

    def show(self, commit: str, path: str) -> str:
        """Return a file of a commit."""
        return self.run("show", f"{commit}:{path}") + "\n"

    def release(self, commit: str) -> Release:
        """Return the images and the model of a commit."""
        return images.read(self.show(commit, COMPONENT), self.show(commit, MODEL))

    def history(self, branch: str) -> Iterator[Release]:
        """Yield every release of a branch, newest first; unreadable ones are skipped."""
        for commit in self.run("rev-list", "--first-parent", self.head(branch), "--", COMPONENT, MODEL).split():
            try:
                yield self.release(commit)
            except DataError:
                continue

    def merged_tree(self, into: str, branch: str) -> str:
        """Return the tree of merging one commit into another.

        Raises:
            DataError: there are merge conflicts.
        """
        try:
            return self.run("merge-tree", "--write-tree", into, branch).splitlines()[0]
        except Unavailable:
            raise DataError(
                f"{PRODUCTION} and {STAGING} have merge conflicts.", advice=f"Merge {PRODUCTION} into {STAGING} first."
            ) from None

    @contextmanager
    def checkout(self, commit: str, *folders: str) -> Iterator[Path]:
        """Check a commit's files out into a temporary folder, or those of some folders alone."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "files"
            empty = ["--no-checkout"] if folders else []
            self.run("worktree", "add", "--quiet", "--detach", *empty, str(folder), commit)
            try:
                if folders:
                    self.run("checkout", "--quiet", commit, "--", *folders, folder=folder)
                yield folder
            finally:
                self.run("worktree", "remove", "--force", str(folder))

    def commit(self, parent: str, texts: Mapping[str, str], message: str) -> str:
        """Commit changed files on top of a parent and return the commit; the parent itself if nothing differs."""
        # Without a working tree: a push that lost a race makes its commit again, and files are what takes time.
        with tempfile.TemporaryDirectory() as scratch:
            index = str(Path(scratch) / "index")
            self.run("read-tree", parent, GIT_INDEX_FILE=index)
            for path, text in texts.items():
                blob = self.run("hash-object", "-w", "--stdin", given=text)
                self.run("update-index", "--cacheinfo", f"{FILE_MODE},{blob},{path}", GIT_INDEX_FILE=index)
            tree = self.run("write-tree", GIT_INDEX_FILE=index)
        return parent if tree == self.tree(parent) else self.run("commit-tree", tree, "-p", parent, "-m", message)

    def merge(self, into: str, branch: str) -> str:
        """Merge one commit into another and return the merge commit.

        Raises:
            DataError: there are merge conflicts.
        """
        tree = self.merged_tree(into, branch)
        message = f"Merge {PRODUCTION} into {STAGING}"
        return self.run("commit-tree", tree, "-p", into, "-p", branch, "-m", message)

    def push(self, commit: str, branch: str, expected: str) -> bool:
        """Push a commit to a branch if the branch is still at the expected commit (empty: does not exist).

        Returns:
            True if it was pushed, False if another push came first.

        Raises:
            Unavailable: the server rejects the push for another reason.
        """
        lease = f"--force-with-lease=refs/heads/{branch}:{expected}"
        try:
            self.run("push", "--quiet", lease, "origin", f"{commit}:refs/heads/{branch}")
        except Unavailable:
            if self.remote_head(branch) == expected:
                raise
            return False
        return True

    def push_with_retry(self, branch: str, change: Callable[[str], str]) -> bool:
        """Push the commit that `change` makes from a branch's head, and retry from the new head after a lost race.

        Returns:
            True if there was anything to push.

        Raises:
            Unavailable: every attempt lost the race.
        """
        for _ in range(MAX_ATTEMPTS):
            self.refresh()
            before = self.head(branch)
            after = change(before)
            if after == before:
                return False
            if self.push(after, branch, before):
                return True
            time.sleep(random.uniform(0, MAX_WAIT_SECONDS))  # noqa: S311  not security-relevant
        raise Unavailable(
            f"Other pushes to {branch} came first, {MAX_ATTEMPTS} times in a row.", advice="Run the command again."
        )


@contextmanager
def clone(settings: GitSettings) -> Iterator[Clone]:
    """Clone the repository into a temporary folder.

    Raises:
        ConfigurationError: the repository's URL is not set.
        Unavailable: the repository can't be cloned.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clone"
        remote = settings.git_remote or find_origin()
        environment = build_environment(settings, remote)
        _run(
            "clone",
            "--quiet",
            "--no-checkout",
            "--origin=origin",
            "--",
            remote,
            str(folder),
            folder=Path(scratch),
            environment=environment,
        )
        yield Clone(folder, environment)


def find_origin() -> str:
    """Return the URL of the working tree's origin.

    Raises:
        ConfigurationError: the working tree has no origin.
    """
    try:
        return _run("remote", "get-url", "origin", folder=Path.cwd(), environment=find_by_folder())
    except Unavailable:
        raise ConfigurationError(
            "This working tree has no origin.", advice="Set GIT_REMOTE to the repository's URL."
        ) from None


def check_clean(folder: Path) -> None:
    """Check that the working tree has no changes, which would not be part of the release.

    Raises:
        DataError: there are uncommitted changes.
    """
    changed = _run("status", "--porcelain", folder=folder, environment=find_by_folder()).splitlines()
    if changed:
        listed = ", ".join(line[2:].strip() for line in changed[:5])
        raise DataError(f"The working tree has changes: {listed}.", advice="Commit and push them, or stash them.")


def build_environment(settings: GitSettings, remote: str) -> dict[str, str]:
    """Return the environment for git: no terminal prompts, and the token in a header for that host, not in a URL."""
    own = find_by_folder() | AUTHOR | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    parts = urlsplit(remote)
    if settings.github_token is None or parts.scheme not in {"http", "https"}:
        return own
    credentials = base64.b64encode(f"x-access-token:{settings.github_token.get_secret_value()}".encode()).decode()
    count = int(own.get("GIT_CONFIG_COUNT") or 0)
    return own | {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        f"GIT_CONFIG_VALUE_{count}": f"Authorization: Basic {credentials}",
    }


def _run(*arguments: str, folder: Path, environment: Mapping[str, str], given: str = "") -> str:
    done = subprocess.run(  # noqa: S603  no shell reads the arguments
        ["git", *arguments],  # noqa: S607  the git on the caller's PATH
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        message = ((done.stderr or done.stdout).strip().splitlines() or ["no output"])[-1]
        raise Unavailable(f"git {arguments[0]} failed: {message}", advice="Check the repository's URL and permissions.")
    return done.stdout.strip()
