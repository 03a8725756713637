"""The profiles of the synthetic repositories: areas, words, people and kinds of work."""

from dataclasses import dataclass

from samples.files import Layout


@dataclass(frozen=True)
class Kind:
    """A kind of work: its frequency, its size (median lines added and its spread on a log scale), and its words."""

    share: float
    lines: float
    spread: float
    removed: float
    """Lines deleted for each line added."""
    label: str
    verbs: tuple[str, ...]
    objects: tuple[str, ...]


KINDS: dict[str, Kind] = {
    "fix": Kind(
        0.31, 14, 1.0, 0.5, "bug",
        ("correct", "handle", "avoid", "stop", "guard against"),
        ("an empty {area} list", "a stale {area} entry", "a race in {area}", "the rounding in {area}",
         "a missing {area} key", "the timeout of {area}", "a double {area} event", "{area} on leap days"),
    ),
    "feat": Kind(
        0.21, 150, 0.9, 0.15, "enhancement",
        ("add", "support", "introduce", "allow", "offer"),
        ("export of {area}", "bulk edits in {area}", "a second {area} backend", "filters for {area}", "undo in {area}",
         "a preview of {area}", "nested {area}", "limits per {area}"),
    ),
    "refactor": Kind(
        0.13, 90, 0.9, 1.0, "cleanup",
        ("split", "simplify", "move", "untangle", "rename"),
        ("the {area} module", "{area} helpers", "the {area} loader", "how {area} is wired", "the {area} classes"),
    ),
    "docs": Kind(
        0.14, 7, 0.8, 0.4, "documentation",
        ("explain", "clarify", "describe", "fix a typo in", "reword"),
        ("the {area} guide", "{area} options", "the {area} example", "how {area} works", "the {area} section"),
    ),
    "test": Kind(
        0.08, 55, 0.8, 0.1, "tests",
        ("cover", "test", "check", "exercise"),
        ("{area} with odd input", "the {area} errors", "{area} under load", "the {area} corner cases"),
    ),
    "perf": Kind(
        0.03, 45, 0.8, 0.7, "performance",
        ("speed up", "cache", "batch", "avoid copies in"),
        ("{area} lookups", "the {area} hot path", "{area} start-up", "large {area} sets"),
    ),
    "deps": Kind(
        0.10, 4, 0.5, 1.0, "dependencies",
        ("bump",),
        ("libquartz", "tinyhttp", "paperclip", "fastlog", "moonbuild", "greenlint"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """The profile of one repository: the number, authors, subjects, times and style of its pull requests."""

    full_name: str
    pulls: int
    first: int
    """The number of its first developer; repositories share few developers."""
    maintainers: int
    regulars: int
    busy_hour: float
    """The hour of the day (UTC) around which most pull requests are opened."""
    areas: tuple[str, ...]
    style: str
    """`conventional` (fix(area): …), `area` (area: …) or `plain`."""
    size: float
    """Factor on all sizes."""
    empty_bodies: float
    labelled: float
    layout: Layout
    base: str = "main"
    kinds: tuple[str, ...] = tuple(KINDS)


PYTHON = Layout(
    "shop/{area}/{name}.py", "tests/{area}/test_{name}.py", "docs/{area}/{name}.md", "pyproject.toml", "poetry.lock"
)
RUST = Layout("src/{area}/{name}.rs", "tests/{area}/{name}.rs", "book/{area}/{name}.md", "Cargo.toml", "Cargo.lock")
PROSE = Layout(
    "site/{area}/{name}.ts", "site/{area}/{name}.test.ts", "content/{area}/{name}.md", "package.json",
    "package-lock.json",
)  # fmt: skip

REPOSITORIES: tuple[Profile, ...] = (
    Profile(
        "example/webshop", 2_600, 1, 7, 45, 13.0,
        ("cart", "checkout", "catalogue", "search", "invoices", "stock", "login", "vouchers", "shipping"),
        "conventional", 1.0, 0.06, 0.8, PYTHON,
    ),
    Profile(
        "example/compiler", 1_200, 101, 4, 22, 19.0,
        ("parser", "lexer", "typeck", "codegen", "inliner", "linker", "diagnostics", "macros"),
        "area", 1.9, 0.25, 0.5, RUST, base="master",
    ),
    Profile(
        "example/docs", 400, 201, 3, 30, 9.0,
        ("tutorial", "glossary", "reference", "install", "theme", "search box"),
        "plain", 0.5, 0.35, 0.3, PROSE, kinds=("docs", "fix", "feat", "deps", "docs", "docs"),
    ),
    Profile("example/tiny", 10, 301, 1, 3, 11.0, ("core", "tools"), "plain", 1.0, 0.2, 0.0, PYTHON),
    Profile("example/empty", 0, 401, 1, 0, 12.0, ("core",), "plain", 1.0, 0.0, 0.0, PYTHON),
)  # fmt: skip
