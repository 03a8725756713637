"""The modules that decide, each with the tests that must notice when it decides otherwise."""

from pathlib import Path

UNIT = "tests/unit"
CHECKS = ("compare", "golden", "identity", "replay", "sequential", "verdict")
GATE = tuple(f"{UNIT}/test_register_{what}.py" for what in ("gate", "comparison", "budget", "held_out", "evidence"))
PROMOTION = (f"{UNIT}/test_release_promotion.py", f"{UNIT}/test_release_rollback.py", f"{UNIT}/test_release_verdict.py")
RELEASE = "tests/integration/release"
TARGETS: dict[str, tuple[str, ...]] = {
    "steps/register/gate.py": GATE,
    "steps/register/evidence.py": GATE,
    **{f"rollouts/checks/{name}.py": (f"{UNIT}/test_checks_{name}.py",) for name in CHECKS},
    "rollouts/checks/behaviour.py": (
        f"{UNIT}/test_checks_behaviour.py",
        f"{UNIT}/test_checks_behaviour_figures.py",
    ),
    "release/analysis.py": PROMOTION,
    "release/evidence.py": (f"{UNIT}/test_release_evidence.py", *PROMOTION),
    "release/rollback.py": PROMOTION,
    "release/verification.py": PROMOTION,
    "release/promotion.py": (*PROMOTION, f"{RELEASE}/test_promotion.py", f"{RELEASE}/test_promote_command.py"),
    "release/images.py": (f"{UNIT}/test_release_images.py", *PROMOTION),
    "release/image_pins.py": (f"{UNIT}/test_release_images.py", f"{RELEASE}/test_set_digest.py"),
    "release/stages.py": (f"{UNIT}/test_release_stages.py",),
    "release/provenance.py": (f"{UNIT}/test_release_provenance.py",),
    "steps/scoring/signature.py": (f"{UNIT}/test_signature.py",),
    "steps/serve/http/bodies.py": (f"{UNIT}/test_serve_bodies.py", f"{UNIT}/test_serve_body_limits.py"),
    "steps/serve/http/parsing.py": (f"{UNIT}/test_serve_parsing.py",),
    "steps/serve/http/middleware.py": (f"{UNIT}/test_serve_middleware.py",),
    "steps/serve/http/connections.py": (f"{UNIT}/test_serve_connections.py",),
    "steps/serve/webhooks/events.py": (f"{UNIT}/test_webhook_events.py",),
}
"""Tests by the module that they hold."""


def select(root: Path, changed: list[str]) -> list[str]:
    """Return the modules that are changed themselves, or whose tests are, and that exist below `root`."""
    names = set(changed)
    return [module for module, tests in TARGETS.items() if (root / module).is_file() and names & {module, *tests}]
