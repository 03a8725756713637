"""The form of a repository's full name."""

import pytest

from steps.common.errors import ConfigurationError
from steps.common.repository_name import check_repository_name, is_repository_name


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
