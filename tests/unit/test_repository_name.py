"""The form of a repository's full name."""

import pytest

from steps.common.errors import ConfigurationError
from steps.common.repository_name import check_repository_name, is_repository_name, parse_repository_name


@pytest.mark.parametrize("name", ["owner/name", "o/.github", "an-owner/a.name_1", "an_owner/..."])
def test_a_full_name_is_accepted(name: str) -> None:
    """Names of repositories may hold dots and underscores, and begin with them."""
    assert is_repository_name(name)


@pytest.mark.parametrize(
    "name", ["", "name", "/name", "owner/", "a/b/c", "-o/name", "o/na me", "o/name\n", "o/.", "o/.."]
)
def test_another_form_is_refused_by_name(name: str) -> None:
    """The error shows the text and the form that it should have."""
    with pytest.raises(ConfigurationError, match=r"is not a repository name\. It has the form owner/name"):
        check_repository_name(name)


@pytest.mark.parametrize(
    "text",
    [
        *("owner/name", " owner/name\n", "'owner/name'", "owner/name/", "owner/name.git", "github.com/owner/name"),
        *("https://github.com/owner/name", "https://GitHub.com/owner/name.git", "http://www.github.com/owner/name/"),
        *("https://github.com/owner/name/pull/7/files#diff", "https://github.com/owner/name?tab=readme"),
        *("git@github.com:owner/name.git", "ssh://git@github.com/owner/name.git", "https://t@github.com/owner/name"),
        *(
            "www.github.com/owner/name",
            "github.com:owner/name.git",
            "owner/name.GIT",
            "/owner/name",
            "\ufeffowner/name,",
        ),
        # as package.json and requirements.txt have them
        *("git+https://github.com/owner/name.git", "git+ssh://git@github.com/owner/name.git"),
        *("<https://github.com/owner/name>", "`owner/name`", "ssh://git@ssh.github.com:443/owner/name.git"),
        *("https://api.github.com/repos/owner/name", "https://github.com/api/v3/repos/owner/name/pulls"),
    ],
)
def test_a_repository_is_taken_as_people_paste_it(text: str) -> None:
    """By its name, or a URL to browse or to clone."""
    assert parse_repository_name(text, {"github.com"}) == "owner/name"


@pytest.mark.parametrize("text", ["name", "a/b/c", "https://github.com/owner", "", "https://github.com/"])
def test_what_names_no_repository_is_refused(text: str) -> None:
    """With the form that it should have."""
    with pytest.raises(ConfigurationError, match="owner/name"):
        parse_repository_name(text, {"github.com"})


@pytest.mark.parametrize("text", ["https://u:hunter2@ghes.example/o/n", "git@ghes.example:o/n.git", "ghes.example/o/n"])
def test_a_repository_of_another_site_is_refused_without_a_password(text: str) -> None:
    """The setting that names another GitHub is in the advice."""
    with pytest.raises(ConfigurationError, match=r"ghes\.example is not at github\.com.*GITHUB_API_URL") as caught:
        parse_repository_name(text, {"github.com"})
    assert "hunter2" not in str(caught.value)


def test_a_password_in_what_can_t_be_read_is_not_shown() -> None:
    """The rest of it is."""
    with pytest.raises(ConfigurationError, match=r"github\.com") as caught:
        parse_repository_name("svn://u:hunter2@github.com/owner/name", {"github.com"})
    assert "hunter2" not in str(caught.value)
