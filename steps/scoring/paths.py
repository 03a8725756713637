"""The kind of a changed file, by its path alone."""

import re
from collections.abc import Iterable
from functools import lru_cache

CI = "ci"
BUILD = "build"
LOCK = "lock"
VENDORED = "vendored"
BINARY = "binary"
TEST = "test"
DOCS = "docs"
CONFIG = "config"
SOURCE = "source"

_CACHED_PATHS = 1 << 16
_SCRIPT = r"(sh|bash|py|rb|js|mjs|ts|ps1|bat|cmd|pl)"
_RELEASE_SCRIPT = rf"([^/]*[-_.])?(release|publish|deploy|postinstall)([-_.][^/]*)?\.{_SCRIPT}"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        CI,
        re.compile(
            r"^(\.github/(workflows|actions)/|\.circleci/|\.buildkite/|\.gitlab/|\.teamcity/|ci/)"
            r"|(^|/)(\.travis\.ya?ml|\.gitlab-ci\.ya?ml|azure-pipelines[^/]*\.ya?ml|jenkinsfile|\.?appveyor\.ya?ml"
            r"|\.cirrus\.ya?ml|\.drone\.ya?ml|cloudbuild\.ya?ml|bitbucket-pipelines\.ya?ml|action\.ya?ml)$"
        ),
    ),
    (
        LOCK,
        re.compile(
            r"(^|/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|packages\.lock\.json"
            r"|gradle\.lockfile|bun\.lockb|[^/]+\.lock)$"
        ),
    ),
    (
        VENDORED,
        re.compile(
            r"(^|/)(_?vendor|vendored|third[_-]?party|node_modules|extern(al)?|bower_components|dist|generated"
            r"|__snapshots__)/|\.(min\.(js|css)|pb\.(go|cc|h)|pb2\.py|g\.dart|mocks\.dart|snap|(js|css)\.map)$"
            r"|[._-]generated\.|(^|/)generated_"
        ),
    ),
    (
        BINARY,
        re.compile(
            r"\.(png|jpe?g|gif|ico|bmp|webp|pdf|zip|t?gz|bz2|xz|7z|rar|jar|war|whl|egg|exe|dll|so|dylib|bin|class|o|a"
            r"|lib|node|wasm|msi|apk|deb|rpm|dmg|ttf|otf|woff2?|eot|mp[34]|mov|avi|wav|ogg|webm|psd|sqlite3?|db|pyc"
            r"|dat|pkl|npz|onnx|docx?|xlsx?|pptx?)$"
        ),
    ),
    (
        BUILD,
        re.compile(
            r"(^|/)(setup\.(py|cfg)|pyproject\.toml|makefile(\.\w+)?|cmakelists\.txt|(docker|container)file[^/]*"
            r"|(build|settings)\.gradle(\.kts)?|pom\.xml|gradlew(\.bat)?|gradle-wrapper\.[a-z]+|configure(\.ac)?"
            r"|package\.json|cargo\.toml|go\.mod|gemfile|rakefile|[^/]+\.gemspec|\.goreleaser\.ya?ml|codeowners"
            r"|\.npmrc|\.pypirc|\.yarnrc(\.yml)?|tox\.ini|noxfile\.py|build\.rs|requirements[^/]*\.(txt|in)"
            rf"|pubspec\.yaml|autogen\.sh|\.pre-commit-config\.yaml|conftest\.py|{_RELEASE_SCRIPT}"
            r"|([^/]*[-_.])?install([-_.][^/]*)?\.(sh|bash|ps1|bat|cmd))$|(^|/)requirements/"
        ),
    ),
    (
        TEST,
        re.compile(
            r"(^|/)(tests?|specs?|__tests__|test_?data|fixtures|testing|test-util|e2e|integration_test|unit_tests)/"
            r"|(^|/)(test_[^/]+|[^/]+([_.-]tests?|[_.-]spec)\.\w+|[^/]*tests?\.(java|scala|kt|cs|swift))$"
        ),
    ),
    (
        DOCS,
        re.compile(
            r"\.(md|markdown|rst|txt|adoc|mediawiki|asciidoc|org|textile|tex|mdx|rdoc)$"
            r"|(^|/)(docs?|documentation|guides?|man|manpages|examples?)/"
            r"|(^|/)(readme|changelog|changes|licen[sc]e|copying|authors|contributors|contributing|history|news"
            r"|security|code_of_conduct|notice|todo)[^/]*$"
        ),
    ),
    (CONFIG, re.compile(r"\.(ya?ml|toml|ini|cfg|conf|json5?|xml|properties|env|editorconfig)$|(^|/)\.[^/]+$")),
)
_RUNS_ELSEWHERE = re.compile(
    r"(^|/)(codeowners|\.npmrc|\.pypirc|\.goreleaser\.ya?ml|setup\.py|\.pre-commit-config\.yaml|gradle-wrapper\.jar"
    rf"|install\.(sh|ps1|bat)|{_RELEASE_SCRIPT})$"
)
PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
MIN_PIECE = 3
_DIRECTORY_DEPTH = 3


@lru_cache(_CACHED_PATHS)
def classify(path: str) -> str:
    """Return the kind of a file; the first pattern that fits decides, and source is what fits none."""
    lower = path.lower()
    return next((kind for kind, pattern in _PATTERNS if pattern.search(lower)), SOURCE)


@lru_cache(_CACHED_PATHS)
def is_sensitive(path: str) -> bool:
    """Return whether the file decides what runs on other machines: CI, release and installation scripts, owners."""
    return classify(path) == CI or bool(_RUNS_ELSEWHERE.search(path.lower()))


@lru_cache(_CACHED_PATHS)
def split_pieces(text: str) -> frozenset[str]:
    """Return the distinct words of a path or an identifier: `src/HashMap_test.rs` has src, hash, map and test."""
    return frozenset(piece.lower() for piece in PIECE.findall(text) if len(piece) >= MIN_PIECE)


def singular(words: Iterable[str]) -> frozenset[str]:
    """Return the words without the ending of a plural: a title speaks of `hooks`, and a file is named `hook.py`."""
    return frozenset(
        word[:-1] if len(word) > MIN_PIECE and word[-1] == "s" and word[-2] != "s" else word for word in words
    )


def directory(path: str) -> str:
    """Return the folder of a file, at most three levels deep; empty for the root."""
    return "/".join(path.split("/")[:-1][:_DIRECTORY_DEPTH])


def extension(path: str) -> str:
    """Return what follows the last dot of a file's name; the beginning of the name where it has none."""
    name = path.rsplit("/", 1)[-1].lower()
    return name.rsplit(".", 1)[-1] if "." in name[1:] else name[:12]
