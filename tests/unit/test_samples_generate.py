"""The made-up repositories."""

import re
from datetime import datetime
from statistics import median

import pytest

from samples.accounts import estimate_newest
from samples.generate import generate_pulls, generate_repositories
from samples.records import Pull, SampleRepository

ALL = generate_repositories()
WEBSHOP = ALL["example/webshop"]


def pulls(repository: SampleRepository) -> list[Pull]:
    return [repository.pulls[number] for number in sorted(repository.pulls)]


def test_the_same_seed_makes_the_same_repositories() -> None:
    """Whoever runs the sample sees the same pull requests; another seed makes others."""
    generate_pulls.cache_clear()
    assert {name: item.pulls for name, item in generate_repositories().items()} == {
        n: item.pulls for n, item in ALL.items()
    }
    assert generate_repositories(seed=1)["example/docs"].pulls != ALL["example/docs"].pulls


def test_a_change_of_one_caller_is_not_another_s() -> None:
    """The pull requests themselves can't be changed."""
    docs = generate_repositories()["example/docs"]
    docs.change(1, None)
    del docs.pulls[2]
    again = generate_repositories()["example/docs"]
    assert (again.changes, again.pulls) == ({}, ALL["example/docs"].pulls)


def test_each_repository_has_as_many_as_it_should() -> None:
    """Numbered without gaps."""
    sizes = {"webshop": 2_600, "compiler": 1_200, "docs": 400, "tiny": 10, "empty": 0}
    assert {name.removeprefix("example/"): len(item.pulls) for name, item in ALL.items()} == sizes
    assert list(WEBSHOP.pulls) == list(range(1, 2_601))


@pytest.mark.parametrize("repository", ALL.values(), ids=lambda item: item.full_name)
def test_moments_are_in_order(repository: SampleRepository) -> None:
    """Opened in the order of the numbers, closed after that, updated last."""
    opened = [pull.created_at for pull in pulls(repository)]
    assert opened == sorted(opened)
    for pull in repository.pulls.values():
        assert pull.created_at <= (pull.closed_at or pull.created_at) <= pull.updated_at <= "2026-09-01T00:00:00Z"
        assert pull.merged_at in (None, pull.closed_at)


def test_a_revert_names_one_that_was_merged_before() -> None:
    """By number in its body and by title, with its sizes the other way round."""
    reverts = [pull for pull in pulls(WEBSHOP) if pull.title.startswith('Revert "')]
    assert 0.02 < len(reverts) / len(WEBSHOP.pulls) < 0.03
    for revert in reverts:
        match = re.fullmatch(r"Reverts example/webshop#(\d+)", revert.body)
        assert match
        origin = WEBSHOP.pulls[int(match[1])]
        assert revert.title == f'Revert "{origin.title}"'
        assert (revert.additions, revert.deletions) == (origin.deletions, origin.additions)
        assert origin.merged_at
        assert origin.merged_at <= revert.created_at


def test_a_title_promises_the_size() -> None:
    """So that there is something to learn: documentation is small, features are large, bumps are smallest."""

    def typical(prefix: str) -> float:
        return median(pull.additions for pull in pulls(WEBSHOP) if pull.title.startswith(prefix))

    assert typical("chore(deps)") < typical("docs(") < typical("fix(") < typical("refactor(") < typical("feat(")


def test_about_one_in_a_hundred_is_odd() -> None:
    """Dumps, deletions, large typo fixes, drive-bys, night shifts and busy trifles: rare, and there."""
    odd = [
        pull
        for pull in pulls(WEBSHOP)
        if pull.additions > 4_000
        or pull.deletions > 3_000
        or pull.commits >= 25
        or (pull.author or "").startswith("visitor-")
        or (not pull.body and pull.changed_files > 25)
        or ("typo" in pull.title and pull.additions > 500)
    ]
    assert 0.005 < len(odd) / len(WEBSHOP.pulls) < 0.02


@pytest.mark.parametrize("repository", ALL.values(), ids=lambda item: item.full_name)
def test_files_agree_with_the_counts(repository: SampleRepository) -> None:
    """All of them up to a hundred, in the order of their paths; what is added has no deletions, and the reverse."""
    for pull in repository.pulls.values():
        paths = [file.path for file in pull.files]
        assert paths == sorted(set(paths))
        assert len(paths) == min(pull.changed_files, 100)
        lines = (sum(file.additions for file in pull.files), sum(file.deletions for file in pull.files))
        if pull.changed_files <= 100:
            assert lines == (pull.additions, pull.deletions)
        assert not any(file.status == "A" and file.deletions for file in pull.files)
        assert not any(file.status == "D" and file.additions for file in pull.files)


def test_branches_are_forks_of_those_who_are_no_members() -> None:
    """Some have the names that GitHub suggests."""
    forks = [pull for pull in pulls(WEBSHOP) if pull.fork]
    assert not any(pull.association == "MEMBER" or pull.bot for pull in forks)
    suggested = [pull for pull in forks if re.fullmatch(r"patch-\d|main", pull.head)]
    assert 0.02 < len(suggested) / len(forks) < 0.2


def test_an_account_is_one_persons_and_older_than_what_it_opens() -> None:
    """Most are years old; those who drop by have mostly new ones."""
    accounts = {pull.author: pull.account for item in ALL.values() for pull in item.pulls.values()}
    assert len(set(accounts.values())) == len(accounts)
    ages: dict[str | None, int] = {}
    for item in ALL.values():
        for pull in pulls(item):
            opened = datetime.fromisoformat(pull.created_at)
            assert pull.account is not None
            assert pull.account == accounts[pull.author]
            assert pull.account is not None
            assert pull.account <= estimate_newest(opened)
            ages.setdefault(pull.author, estimate_newest(opened) - pull.account)
    new = {login for login, age in ages.items() if age < 4_000_000}
    visitors = {login for login in ages if (login or "").startswith("visitor-")}
    assert len(new & visitors) > 0.6 * len(visitors)
    assert len(new - visitors) < 0.15 * len(ages)


def test_nobody_has_a_name() -> None:
    """Logins are handles with a number."""
    logins = {pull.author for item in ALL.values() for pull in item.pulls.values()}
    assert all(re.fullmatch(r"(dev|visitor)-\d{3,4}|bump-bot", login or "") for login in logins)


def test_a_repository_can_be_seen_as_it_stood() -> None:
    """Later ones are not there yet, and those closed later are open."""
    pull = next(
        pull for pull in pulls(WEBSHOP) if pull.merged_at and pull.updated_at > pull.merged_at > pull.created_at
    )
    assert pull.at("2000-01-01T00:00:00Z") is None
    opened = pull.at(pull.created_at)
    assert opened
    assert (opened.closed_at, opened.merged_at, opened.updated_at) == (None, None, pull.created_at)
    merged = pull.at(pull.merged_at or "")
    assert merged
    assert (merged.merged_at, merged.updated_at) == (pull.merged_at, pull.merged_at)
    assert pull.at(pull.updated_at) == pull
    middle = WEBSHOP.at("2025-01-01T00:00:00Z")
    assert 0 < len(middle) < 2_600
    assert middle == sorted(middle)
    assert WEBSHOP.after((middle[9].updated_at, middle[9].number), "2025-01-01T00:00:00Z") == middle[10:]
