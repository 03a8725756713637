"""Make up the repositories' pull requests: the same seed gives the same ones, on every machine."""

import heapq
import math
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from samples import accounts
from samples.anomalies import ANOMALIES, ANOMALY_SHARE
from samples.drafts import END, Developer, Draft, RepositoryTraits, number_drafts
from samples.profiles import KINDS, REPOSITORIES, Kind, Profile
from samples.records import Pull, SampleRepository

SEED = 20_260
BEGIN = datetime(2023, 9, 4, tzinfo=UTC)
REVERT_SHARE = 0.025
BOT = Developer("bump-bot", 4, 1)
SATURDAY = 5


def generate_repositories(seed: int = SEED) -> dict[str, SampleRepository]:
    """Generate all synthetic repositories, by full name; a caller may change them."""
    return {name: SampleRepository(name, dict(pulls)) for name, pulls in generate_pulls(seed).items()}


@cache
def generate_pulls(seed: int) -> dict[str, dict[int, Pull]]:
    """Generate their pull requests by number, once in a process."""
    generators = [Generator(profile, seed) for profile in REPOSITORIES]
    drafts = [generator.generate_drafts() for generator in generators]
    first_seen: dict[str, datetime] = {}
    for draft in sorted((draft for some in drafts for draft in some), key=lambda draft: draft.created):
        first_seen.setdefault(draft.author, draft.created)
    old = {login for generator in generators for login in generator.regular_logins}
    numbers = accounts.assign_numbers(first_seen, seed, old)
    pairs = zip(generators, drafts, strict=True)
    return {generator.full_name: generator.build_pulls(some, numbers) for generator, some in pairs}


class Generator:
    """Generates one repository."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._random = Random(f"{seed} {profile.full_name}")  # noqa: S311 - nothing here is secret
        self._people = 0
        self._maintainers = [self._create_developer() for _ in range(profile.maintainers)]
        self._regulars = [self._create_developer() for _ in range(profile.regulars)]
        self._members = frozenset(developer.login for developer in self._maintainers)

    @property
    def full_name(self) -> str:
        """The repository's."""
        return self._profile.full_name

    @property
    def regular_logins(self) -> set[str]:
        """The developers who were there from the beginning."""
        return {developer.login for developer in (*self._maintainers, *self._regulars)}

    def generate_drafts(self) -> list[Draft]:
        """Generate the pull requests, in no order."""
        random, wanted = self._random, self._profile.pulls
        drafts = [self._draft(self._day(index / wanted)) for index in range(round(wanted * (1 - REVERT_SHARE)))]
        for draft in random.sample(drafts, round(len(drafts) * ANOMALY_SHARE)):
            random.choice(ANOMALIES)(draft, random)
        revert_keys = {id(draft): self._draw_revert_key(draft) for draft in drafts}
        drafts += [
            self._revert(draft)
            for draft in heapq.nlargest(wanted - len(drafts), drafts, key=lambda draft: revert_keys[id(draft)])
        ]
        return drafts

    def build_pulls(self, drafts: list[Draft], numbers: dict[str, int]) -> dict[int, Pull]:
        """Number the pull requests in the order of opening; `numbers` are those of the accounts."""
        profile = self._profile
        traits = RepositoryTraits(
            profile.full_name, profile.base, self._members, profile.layout, profile.areas, numbers, seed=self._seed
        )
        return number_drafts(drafts, traits)

    def _happens(self, share: float) -> bool:
        return self._random.random() < share

    def _create_developer(self) -> Developer:
        login = f"dev-{self._profile.first + self._people:03d}"
        self._people += 1
        hour = self._random.gauss(self._profile.busy_hour, 2.5)
        return Developer(login, hour, math.exp(self._random.gauss(0, 0.35)))

    def _day(self, share: float) -> datetime:
        """Draw a day near this share of the whole period, rarely on a weekend."""
        day = BEGIN + (END - BEGIN) * min(max(share + self._random.gauss(0, 0.004), 0), 0.996)
        if day.weekday() >= SATURDAY and self._happens(0.75):
            day -= timedelta(days=2)
        return day.replace(hour=0, minute=0, second=0, microsecond=0)

    def _author(self, kind: str) -> Developer:
        if kind == "deps":
            return BOT
        if not self._regulars or self._happens(0.42):
            return self._random.choice(self._maintainers)
        if self._happens(0.15):
            return self._create_developer()
        busiest_first = int(self._random.expovariate(4 / len(self._regulars)))
        return self._regulars[min(busiest_first, len(self._regulars) - 1)]

    def _draft(self, day: datetime) -> Draft:
        random, profile = self._random, self._profile
        name = random.choices(profile.kinds, [KINDS[kind].share for kind in profile.kinds])[0]
        kind, area, author = KINDS[name], random.choice(profile.areas), self._author(name)
        lines = max(round(kind.lines * profile.size * author.size * math.exp(random.gauss(0, kind.spread))), 1)
        what = self._describe_change(kind, area)
        return Draft(
            created=day + timedelta(hours=random.gauss(author.hour, 1.6) % 24, minutes=random.random()),
            author=author.login,
            title=self._title(name, area, what),
            body=self._body(what, kind, area),
            additions=lines,
            deletions=round(lines * kind.removed * math.exp(random.gauss(0, 0.6))),
            files=max(round(lines**0.45 * math.exp(random.gauss(-0.4, 0.4))), 1),
            commits=1 + round(math.log1p(lines) * random.random() * 0.8),
            open_hours=math.exp(random.gauss(2.4 + 0.25 * math.log(lines), 1.2)),
            merged=self._happens(0.87),
            work=name,
            area=area,
            discussed_hours=random.expovariate(1 / 40) if self._happens(0.12) else 0.0,
            labels=(kind.label, f"area/{area}") if self._happens(profile.labelled) else (),
            assignees=(random.choice(self._maintainers).login,) if self._happens(0.35) else (),
            bot=author is BOT,
        )

    def _describe_change(self, kind: Kind, area: str) -> str:
        random = self._random
        what = f"{random.choice(kind.verbs)} {random.choice(kind.objects).format(area=area)}"
        if kind.label == "dependencies":
            what += f" to {random.randint(1, 6)}.{random.randint(0, 19)}.{random.randint(0, 9)}"
        return what

    def _title(self, kind: str, area: str, what: str) -> str:
        if self._profile.style == "conventional":
            return f"chore(deps): {what}" if kind == "deps" else f"{kind}({area}): {what}"
        sentence = what[0].upper() + what[1:]
        return f"{area}: {sentence}" if self._profile.style == "area" else sentence

    def _body(self, what: str, kind: Kind, area: str) -> str:
        if self._happens(self._profile.empty_bodies):
            return ""
        issue = f"\n\nFixes #{self._random.randint(1, 900)}" if self._happens(0.4) else ""
        if self._profile.style == "conventional":
            return f"## What\n\nThis is to {what}.\n\n## Why\n\nSomebody met it in {area} ({kind.label}).{issue}"
        if self._profile.style == "area":
            detail = self._random.choice(
                ("Found while fuzzing.", "Wanted for the next release.", "Output is the same.")
            )
            return f"To {what}. {detail} Benchmarks of {area} don't move.{issue}"
        return f"To {what}.{issue}"

    def _draw_revert_key(self, draft: Draft) -> float:
        """Draw a key; the largest are reverted, more often large, unexplained work of little-known people."""
        if not draft.merged or draft.closed_at > END - timedelta(days=10):
            return 0.0
        weight = math.log1p(draft.additions) * (1 if draft.author in self._members else 1.8) * (1 if draft.body else 2)
        return float(self._random.random() ** (1 / weight))

    def _revert(self, draft: Draft) -> Draft:
        return Draft(
            created=draft.closed_at + timedelta(hours=min(self._random.expovariate(1 / 40), 200)),
            author=self._random.choice(self._maintainers).login,
            title=f'Revert "{draft.title}"',
            body="",  # it names a number, which is not yet given
            additions=draft.deletions,
            deletions=draft.additions,
            files=draft.files,
            commits=1,
            open_hours=self._random.expovariate(1 / 3),
            merged=True,
            work=draft.work,
            area=draft.area,
            reverts=draft,
        )
