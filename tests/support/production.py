"""Production's cluster in a test."""

from typing import Any

from release.cluster import RolloutRevision, RolloutState


class Production:
    """A cluster that notes what is done to it."""

    def __init__(self, state: RolloutState | None, held: bool | None = False) -> None:
        self._state = state
        self.held = held
        self.done: list[Any] = []

    def read_state(self) -> RolloutState:
        """The Rollout's state."""
        assert self._state
        return self._state

    def is_held(self) -> bool | None:
        """Whether Argo CD is paused."""
        return self.held

    def hold(self, held: bool) -> None:
        """Pause it, or resume it."""
        self.held = held
        self.done.append(("hold", held))

    def abort(self) -> None:
        """Note it."""
        self.done.append("abort")

    def promote(self) -> None:
        """Note it."""
        self.done.append("promote")

    def undo(self, revision: RolloutRevision) -> None:
        """Note it."""
        self.done.append(("undo", revision.number))
