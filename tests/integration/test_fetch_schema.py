"""What fetch asks and what the stand-in answers, held against the GraphQL schema that GitHub publishes."""

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_required_argument,
    is_required_input_field,
    parse,
    specified_scalar_types,
    validate,
)

from samples.graph import SCHEMA
from steps.fetch.queries import NAME, PULL_REQUESTS, SEARCH

CACHE = Path(__file__).parents[2] / ".tools" / "github-schema"
PACKAGE, VERSION = "@octokit/graphql-schema", "15.26.1"
SHA512 = "RFDC2MpRBd4AxSRvUeBIVeBU7ojN/SxDfALUd7iVYOSeEK3gZaqR2MGOysj4Zh2xj2RY5fQAUT+Oqq7hWTraMA=="
ARCHIVE = CACHE / f"octokit-graphql-schema-{VERSION}.tgz"
QUERIES = [NAME, SEARCH, PULL_REQUESTS]
OURS = [
    kind for name, kind in SCHEMA.type_map.items() if not name.startswith("__") and name not in specified_scalar_types
]


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    """GitHub's schema from the package that carries it, downloaded once and checked against its known hash."""
    if not ARCHIVE.is_file():
        npm = shutil.which("npm") or pytest.skip("GitHub's published schema comes by npm, which is not on the PATH")
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", CACHE], check=True)
    assert base64.b64encode(hashlib.sha512(ARCHIVE.read_bytes()).digest()).decode() == SHA512
    with tarfile.open(ARCHIVE) as archive:
        file = archive.extractfile("package/schema.graphql")
        assert file is not None
        return build_schema(file.read().decode(), assume_valid=True)


@pytest.mark.parametrize("query", QUERIES, ids=["name", "search", "pull requests"])
def test_a_query_is_valid_for_github(published: GraphQLSchema, query: str) -> None:
    """Every field and argument that is asked for exists, with the types that the variables have."""
    assert validate(published, parse(query)) == []


@pytest.mark.parametrize("query", QUERIES, ids=["name", "search", "pull requests"])
def test_a_query_is_valid_for_the_stand_in(query: str) -> None:
    """The stand-in knows all that fetch asks for."""
    assert validate(SCHEMA, parse(query)) == []


@pytest.mark.parametrize("ours", OURS, ids=str)
def test_a_type_of_the_stand_in_is_part_of_githubs(published: GraphQLSchema, ours: GraphQLNamedType) -> None:
    """Same kind, and everything it has GitHub has too: fields, arguments, values, members, and what may be null."""
    theirs = published.type_map[ours.name]
    assert type(theirs) is type(ours)
    assert differences(ours, theirs) == []


def differences(ours: GraphQLNamedType, theirs: GraphQLNamedType) -> list[str]:
    """What the stand-in's type has that GitHub's has not, or has otherwise."""
    if isinstance(ours, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
        return sorted(set(ours.values) - set(theirs.values))
    if isinstance(ours, GraphQLUnionType) and isinstance(theirs, GraphQLUnionType):
        return sorted({member.name for member in ours.types} - {member.name for member in theirs.types})
    if isinstance(ours, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
        required = {name for name, field in theirs.fields.items() if is_required_input_field(field)}
        return _input_differences({n: str(f.type) for n, f in ours.fields.items()},
                                  {n: str(f.type) for n, f in theirs.fields.items()}, required)  # fmt: skip
    composite = (GraphQLObjectType, GraphQLInterfaceType)
    if isinstance(ours, composite) and isinstance(theirs, composite):
        interfaces = {item.name for item in ours.interfaces} - {item.name for item in theirs.interfaces}
        return sorted(interfaces) + _field_differences(ours, theirs)
    return []


def _field_differences(
    ours: GraphQLObjectType | GraphQLInterfaceType, theirs: GraphQLObjectType | GraphQLInterfaceType
) -> list[str]:
    found = []
    for name, field in ours.fields.items():
        other = theirs.fields.get(name)
        if other is None or str(other.type) != str(field.type):
            found.append(f"{name}: {field.type}")
            continue
        required = {key for key, argument in other.args.items() if is_required_argument(argument)}
        arguments = {key: str(argument.type) for key, argument in field.args.items()}
        known = {key: str(argument.type) for key, argument in other.args.items()}
        found += [f"{name}({difference})" for difference in _input_differences(arguments, known, required)]
    return found


def _input_differences(ours: dict[str, str], theirs: dict[str, str], required: set[str]) -> list[str]:
    unlike = [f"{name}: {kind}" for name, kind in ours.items() if theirs.get(name) != kind]
    return unlike + [f"{name} is required" for name in sorted(required - set(ours))]


def test_a_difference_would_be_found() -> None:
    """A wrong type, a missing argument, an unknown field and an unknown value are each told."""
    wrong = build_schema("enum E { A Z } type Query { a: Int, b(x: Int): Int!, c: String, e: E }")
    right = build_schema("enum E { A } type Query { a: Int!, b(x: Int, y: Int!): Int!, e: E }")
    assert differences(wrong.type_map["E"], right.type_map["E"]) == ["Z"]
    found = differences(wrong.type_map["Query"], right.type_map["Query"])
    assert [text[0] for text in found] == ["a", "b", "c"]
