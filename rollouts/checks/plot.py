"""The plot of a comparison."""

from pathlib import Path

from rollouts.checks.compare import Comparison, VersionData


def draw(path: Path, old: VersionData, new: VersionData, found: Comparison) -> None:
    """Plot the score distributions of both versions, and their differences with intervals."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for version in (old, new):
        scores = [one.score for one in version.scored.values()]
        label = f"version {version.name}: {len(scores):,}"
        left.hist(scores, bins=40, density=bool(scores), histtype="step", linewidth=1.5, label=label)
    left.set(title="Scores", xlabel="score", ylabel="density")
    left.legend(frameon=False)
    known = [one for one in found.differences if one.old.of and one.new.of]
    for place, one in enumerate(known):
        right.plot([100 * one.low, 100 * one.high], [place, place], color="black")
        right.plot(100 * one.value, place, "o", color="black")
    right.axvline(0, color="grey", linewidth=1, linestyle="--")
    right.set(title=f"Version {new.name} less version {old.name}: {found.word}")
    right.set(xlabel="percentage points, at 95 % over all looks", ylim=(-0.5, max(len(known), 1) - 0.5))
    right.set_yticks(range(len(known)), [one.name for one in known])
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
