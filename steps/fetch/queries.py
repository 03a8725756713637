"""What is asked of GitHub: each query's text, and the form that its answer must have."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

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
    """What the query cost, and how many points are left until when."""

    cost: int
    remaining: int
    reset_at: datetime = Field(alias="resetAt")


class Answer(BaseModel):
    """What every answer holds; GitHub Enterprise may have no limit."""

    rate_limit: RateLimit | None = Field(alias="rateLimit")


class PageInfo(BaseModel):
    """Whether there is more, and after which cursor."""

    has_next: bool = Field(alias="hasNextPage")
    end_cursor: str | None = Field(alias="endCursor")


class Name(BaseModel):
    """A repository by GitHub's own spelling of its name."""

    name_with_owner: str = Field(alias="nameWithOwner")


class NameAnswer(Answer):
    """The answer to NAME."""

    repository: Name | None


class Found(BaseModel):
    """One page of a search for repositories."""

    page_info: PageInfo = Field(alias="pageInfo")
    nodes: list[Name | None]


class SearchAnswer(Answer):
    """The answer to SEARCH."""

    search: Found


class Edge(BaseModel):
    """One pull request, not yet judged, and the place after it."""

    cursor: str
    node: dict[str, Any] | None


class Connection(BaseModel):
    """One page of a repository's pull requests, least recently updated first."""

    total_count: int = Field(alias="totalCount")
    page_info: PageInfo = Field(alias="pageInfo")
    edges: list[Edge]


class Repository(Name):
    """A repository with a page of its pull requests."""

    pull_requests: Connection = Field(alias="pullRequests")


class PullRequestsAnswer(Answer):
    """The answer to PULL_REQUESTS."""

    repository: Repository | None
