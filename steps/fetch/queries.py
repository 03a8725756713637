"""The queries to GitHub: each one's text and the form of its response."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

NAME = """
query Name($owner: String!, $name: String!) {
  rateLimit { cost remaining resetAt }
  repository(owner: $owner, name: $name) { nameWithOwner }
}
"""

SEARCH = """
query Search($words: String!, $first: Int!, $after: String) {
  rateLimit { cost remaining resetAt }
  search(type: REPOSITORY, query: $words, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { ... on Repository { nameWithOwner } }
  }
}
"""

PULL_REQUESTS = """
query PullRequests($owner: String!, $name: String!, $first: Int!, $after: String, $files: Boolean! = true) {
  rateLimit { cost remaining resetAt }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    pullRequests(first: $first, after: $after, orderBy: {field: UPDATED_AT, direction: ASC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { cursor node { ...PullRequestFields } }
    }
  }
}

fragment PullRequestFields on PullRequest {
  id
  number
  title
  body
  url
  state
  isDraft
  activeLockReason
  createdAt
  updatedAt
  closedAt
  mergedAt
  additions
  deletions
  changedFiles
  baseRefName
  headRefName
  isCrossRepository
  authorAssociation
  author {
    __typename
    login
    ... on User { databaseId }
    ... on Bot { databaseId }
    ... on Mannequin { databaseId }
    ... on Organization { databaseId }
  }
  assignees(first: 10) { nodes { __typename login } }
  labels(first: 100) { nodes { name } }
  commits { totalCount }
  files(first: 100) @include(if: $files) { nodes { path additions deletions changeType } }
}
"""
"""Without `files` where GitHub can't list them in time, however few pull requests are asked for at once."""


class RateLimit(BaseModel):
    """The cost of a query, the points that remain, and when they are reset."""

    cost: int
    remaining: int
    reset_at: datetime = Field(alias="resetAt")


class Response(BaseModel):
    """The part that every response has; GitHub Enterprise may have no rate limit."""

    rate_limit: RateLimit | None = Field(alias="rateLimit")


class PageInfo(BaseModel):
    """The end of a page: its last cursor, and whether another page follows."""

    has_next: bool = Field(alias="hasNextPage")
    end_cursor: str | None = Field(alias="endCursor")


class SpelledName(BaseModel):
    """A repository by GitHub's spelling of its name."""

    name_with_owner: str = Field(alias="nameWithOwner")


class NameResponse(Response):
    """The response to NAME."""

    repository: SpelledName | None


def _drop_null(nodes: Any) -> Any:
    return [] if nodes is None else nodes


class SearchPage(BaseModel):
    """One page of a search for repositories."""

    page_info: PageInfo = Field(alias="pageInfo")
    nodes: Annotated[list[SpelledName | None], BeforeValidator(_drop_null)]


class SearchResponse(Response):
    """The response to SEARCH."""

    search: SearchPage


def _fill_missing(edges: Any) -> Any:
    """Return the edges with those that are null as empty ones; GraphQL allows null for the whole list too."""
    return [edge or {"node": None} for edge in edges or []] if isinstance(edges, list | None) else edges


class Edge(BaseModel):
    """A pull request, not yet validated, and its cursor."""

    cursor: str | None = None
    node: dict[str, Any] | None


class PullRequestConnection(BaseModel):
    """One page of a repository's pull requests, least recently updated first."""

    total_count: int = Field(alias="totalCount")
    page_info: PageInfo = Field(alias="pageInfo")
    edges: Annotated[list[Edge], BeforeValidator(_fill_missing)]


class RepositoryPage(SpelledName):
    """A repository with a page of its pull requests."""

    pull_requests: PullRequestConnection = Field(alias="pullRequests")


class PullRequestsResponse(Response):
    """The response to PULL_REQUESTS."""

    repository: RepositoryPage | None
