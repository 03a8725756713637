"""What GitHub's GraphQL errors mean, in the forms in which people have met them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.common.errors import PERMANENT_EXIT_CODES, SentinelError
from steps.common.github_errors import TransientError, Usable, read_graphql
from steps.common.graphql_errors import TYPES, WORDS, Meaning, read_errors

NODES = ["search", "nodes", 3]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        # cli/cli#4801
        ({"type": "UNPROCESSABLE", "path": ["createIssue"], "message": "was submitted too quickly"}, Meaning.LIMIT),
        # yanyongyu/githubkit#272
        ({"type": "RATE_LIMIT", "message": "API rate limit already exceeded for user ID 1."}, Meaning.LIMIT),
        # Azure/azure-rest-api-specs#36378
        ({"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}, Meaning.LIMIT),
        # palantir/policy-bot#136
        ({"message": "You have triggered an abuse detection mechanism. Please retry later."}, Meaning.LIMIT),
        # dtolnay/star-history#1
        ({"type": "INTERNAL", "message": "Something went wrong while executing your query."}, Meaning.PASSING),
        # github/gh-gei#707
        ({"type": "SERVICE_UNAVAILABLE", "message": "Something went wrong."}, Meaning.PASSING),
        # octokit/graphql-action#110
        ({"message": "Something went wrong while executing your query. Please include `0781`."}, Meaning.PASSING),
        # apache/devlake#4349
        ({"message": "Something went wrong. This may be the result of a timeout, or a GitHub bug."}, Meaning.HEAVY),
        # semantic-release/github#911
        (
            {"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "This query requests up to 1,010,000 possible nodes."},
            Meaning.HEAVY,
        ),
        # stats-organization/github-stats-extended#373
        ({"message": "Resource limits for this query exceeded."}, Meaning.HEAVY),
        # refined-github/refined-github#6946
        (
            {
                "path": ["query", "repository", "pullRequest", "viewerCanEditFiles"],
                "extensions": {"code": "undefinedField", "typeName": "PullRequest", "fieldName": "viewerCanEditFiles"},
                "message": "Field 'viewerCanEditFiles' doesn't exist on type 'PullRequest'",
            },
            Meaning.INVALID,
        ),
        # GitHawkApp/GitHawk#1124
        ({"message": "Field 'changedFiles' doesn't exist on type 'PullRequest'"}, Meaning.INVALID),
        # raycast/extensions#29995
        ({"message": "IssuableSearchableField isn't a defined input type (on $in)"}, Meaning.INVALID),
        # jasperapp/jasper#187
        (
            {"type": "FORBIDDEN", "path": NODES, "extensions": {"saml_failure": True}, "message": "SAML enforcement."},
            Meaning.HIDDEN,
        ),
        # ossf/pvtr-github-repo-scanner#397
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, Meaning.HIDDEN),
        # caarlos0/fork-cleaner#99
        ({"type": "FORBIDDEN", "message": "Repository access blocked"}, Meaning.BLOCKED),
        # github/app#2951
        ({"type": "NOT_FOUND", "message": "Could not resolve to a node with the global id of '1'."}, Meaning.MISSING),
    ],
)
def test_an_error_means_what_people_found_it_to_mean(error: dict[str, Any], meaning: Meaning) -> None:
    """By its words, its type or its code, whichever of them it has."""
    assert [found.meaning for found in read_errors({"errors": [error]})] == [meaning]


def test_an_unknown_field_is_named() -> None:
    """Whoever runs an old GitHub Enterprise Server has to know what it lacks."""
    error = {"extensions": {"code": "undefinedField", "fieldName": "isDraft"}, "message": "Unknown field"}
    with pytest.raises(SentinelError, match="isDraft"):
        read_graphql({"errors": [error]}, {}, "https://ghes.example/api/v3")


@pytest.mark.parametrize("errors", [None, [], "", {}])
def test_an_empty_list_of_errors_is_none(errors: Any) -> None:
    """Some gateways always add the key."""
    assert read_graphql({"data": {"a": 1}, "errors": errors}, {}, "u") == Usable({"a": 1})


MESSAGES = [
    *("Something went wrong.", "API rate limit exceeded", "abuse detection", "timeout", "`x` is not a valid cursor."),
    *("Field 'x' doesn't exist on type 'Y'", "Repository access blocked", "SAML", "Could not resolve to a User", ""),
]
PATHS = st.one_of(st.none(), st.lists(st.one_of(st.sampled_from(["repository", "search", "node"]), st.integers(0, 99))))
KINDS = st.one_of(st.none(), st.sampled_from([*TYPES, "UNPROCESSABLE", "undefinedField"]), st.text(max_size=5))
ERRORS = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS,
            "path": PATHS,
            "message": st.sampled_from(MESSAGES),
            "extensions": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"code": KINDS, "fieldName": KINDS})),
        },
    ),
)
DATA: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.just("null"),  # magit/forge#65
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from([None, {}]) for name in ("repository", "search", "rateLimit")}
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-ratelimit-remaining", "x-ratelimit-reset"]),
    st.sampled_from(["0", "7", "-1", "", "soon", "1764147600", "9" * 40, "Thu, 26 Nov 2026 09:00:00 -0000"]),
)


@given(st.one_of(st.none(), ERRORS, st.lists(ERRORS, max_size=4)), DATA, HEADERS)
def test_every_mixture_of_errors_and_data_has_a_meaning(errors: Any, data: Any, headers: dict[str, str]) -> None:
    """Nothing crashes; a limit names its pause; an invalid query is not retried; a passing failure is never fatal."""
    content = {"data": data, "errors": errors}
    meanings = {error.meaning for error in read_errors(content)}
    found = attempt(content, headers)
    if isinstance(found, TransientError):
        assert Meaning.LIMIT in meanings or Meaning.INVALID not in meanings
        assert Meaning.LIMIT not in meanings or (found.wait is not None and found.wait >= 0)
        assert found.partial is None or isinstance(found.partial.data, dict)
    elif isinstance(found, SentinelError):
        assert found.exit_code in PERMANENT_EXIT_CODES
        assert not meanings <= {Meaning.LIMIT, Meaning.HEAVY, Meaning.PASSING}
    else:
        assert meanings <= {Meaning.HIDDEN, Meaning.MISSING, Meaning.BLOCKED}
        assert found.data is data


def attempt(content: Any, headers: dict[str, str]) -> Usable | TransientError | SentinelError:
    """The response's data, or what it raises."""
    try:
        return read_graphql(content, headers, "https://github.example")
    except (TransientError, SentinelError) as error:
        return error


def test_every_meaning_is_decided_by_words_or_types() -> None:
    """No row of a table is left over."""
    assert {meaning for meaning, _ in WORDS} | set(TYPES.values()) == set(Meaning)
