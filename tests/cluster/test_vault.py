"""A real Vault with real Kubernetes logins: each step reads its own secrets and nobody else's."""

from pathlib import Path

import pytest

from steps.common import secrets
from steps.common.errors import AccessRefused, ConfigurationError, NotFound, Unavailable
from steps.common.settings import FetchSettings, load
from tests.cluster import kube
from tests.cluster.project import Vault
from tests.containers.steps import STEPS

pytestmark = pytest.mark.usefixtures("accounts")
OTHERS = [(step, other) for step in STEPS for other in STEPS if step != other]


@pytest.fixture
def log_in(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "LogIn":
    """Reading as a step does it, from this machine."""
    monkeypatch.setattr(secrets, "RETRIES", 1)
    return LogIn(vault, monkeypatch, tmp_path / "token")


class LogIn:
    """A step's identity and what its template says."""

    def __init__(self, vault: Vault, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
        self.vault = vault
        self._file = file
        self._monkeypatch = monkeypatch

    def read(self, token: str, role: str, path: str) -> dict[str, str]:
        """Return what this token can read."""
        self._file.write_text(token)
        self._monkeypatch.setattr(secrets, "POD_TOKEN", self._file)
        self._monkeypatch.setenv("VAULT_ROLE", f"pr-sentinel-{role}")
        self._monkeypatch.setenv("VAULT_SECRET_PATH", f"secret/pr-sentinel/{path}")
        return secrets.read_vault(self.vault.address)


def of(step: str) -> str:
    """A step's token."""
    return kube.token(f"pr-sentinel-{step}")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_reads_its_own_secrets(log_in: LogIn, step: str) -> None:
    """By a login that leaves nothing behind in Vault."""
    assert log_in.read(of(step), step, step)
    assert not log_in.vault.client.list("sys/leases/lookup/auth/kubernetes/login")


@pytest.mark.parametrize(("step", "other"), OTHERS)
def test_a_step_is_refused_every_other_step_s_secrets(log_in: LogIn, step: str, other: str) -> None:
    """Under its own role, and under the other's."""
    token = of(step)
    with pytest.raises(AccessRefused, match=f"refuses the role 'pr-sentinel-{step}' access to"):
        log_in.read(token, step, other)
    with pytest.raises(AccessRefused, match=f"the role 'pr-sentinel-{other}': service account name not authorized"):
        log_in.read(token, other, other)


def test_the_same_account_s_token_for_somebody_else_is_refused(log_in: LogIn) -> None:
    """Such as the one that a pod shows to the API server."""
    with pytest.raises(AccessRefused, match="audience"):
        log_in.read(kube.token("pr-sentinel-fetch", audience="https://kubernetes.default.svc"), "fetch", "fetch")


def test_an_account_of_that_name_elsewhere_is_refused(log_in: LogIn) -> None:
    """Whoever may make accounts in another namespace gains nothing."""
    account = ("serviceaccount", "pr-sentinel-fetch")
    kube.kubectl("create", *account, namespace=kube.BACKING)
    try:
        with pytest.raises(AccessRefused, match="namespace not authorized"):
            log_in.read(kube.token("pr-sentinel-fetch", kube.BACKING), "fetch", "fetch")
    finally:
        kube.kubectl("delete", *account, namespace=kube.BACKING)


def test_a_token_that_kubernetes_does_not_know_is_refused(log_in: LogIn) -> None:
    """Vault asks each time: signed by nobody, it is worth nothing."""
    head, claims, _ = of("fetch").split(".")
    with pytest.raises(Unavailable, match="can't verify this pod's identity"):
        log_in.read(f"{head}.{claims}.AAAA", "fetch", "fetch")


def test_a_role_that_is_not_there_is_named(log_in: LogIn) -> None:
    """As after a slip in the template."""
    with pytest.raises(AccessRefused, match="refuses this pod the role 'pr-sentinel-fetsch': invalid role name"):
        log_in.read(of("fetch"), "fetsch", "fetch")


def test_a_role_without_its_policy_is_refused_the_path(log_in: LogIn) -> None:
    """The login itself still works."""
    log_in.vault.client.sys.delete_policy("pr-sentinel-fetch")
    with pytest.raises(AccessRefused, match="access to 'secret/pr-sentinel/fetch'"):
        log_in.read(of("fetch"), "fetch", "fetch")


def test_a_missing_secret_is_reported(log_in: LogIn) -> None:
    """Also where there once was something."""
    log_in.vault.client.secrets.kv.v2.delete_latest_version_of_secret("pr-sentinel/fetch", "secret")
    with pytest.raises(NotFound, match="no secret at 'secret/pr-sentinel/fetch'"):
        log_in.read(of("fetch"), "fetch", "fetch")


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_key_is_named_with_its_path(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    """Or an empty one; and no other secret is shown."""
    log_in.vault.put("fetch", mongo_uri=value)
    kept = log_in.read(of("fetch"), "fetch", "fetch")["github_token"]
    monkeypatch.setenv("VAULT_ADDR", log_in.vault.address)
    with pytest.raises(ConfigurationError, match=r"MONGO_URI: Field required.*secret/pr-sentinel/fetch") as refusal:
        load(FetchSettings)
    assert kept not in str(refusal.value)


def test_a_login_that_ends_before_the_secrets_are_read_is_worth_another_try(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a token was revoked, the next attempt logs in again."""
    ended = log_in.vault.client.auth.token.create(policies=["pr-sentinel-fetch"], ttl="1h")["auth"]["client_token"]
    log_in.vault.client.auth.token.revoke(ended)

    def with_the_ended_one(client: object, *_: object) -> None:
        client.token = ended  # type: ignore[attr-defined]

    monkeypatch.setattr(secrets, "_log_in", with_the_ended_one)
    with pytest.raises(Unavailable, match="ended the login of 'pr-sentinel-fetch'"):
        log_in.read(of("fetch"), "fetch", "fetch")


def test_applied_again_nothing_changes(vault: Vault) -> None:
    """Neither in Vault nor in the output."""
    secrets_now = vault.client.secrets.kv.v2.read_secret_metadata("pr-sentinel/fetch", "secret")["data"]
    assert vault.apply() == ["Nothing to change."]
    assert vault.client.secrets.kv.v2.read_secret_metadata("pr-sentinel/fetch", "secret")["data"] == secrets_now


def test_a_manual_change_is_corrected_and_reported(vault: Vault) -> None:
    """A wider role, a wider policy, and what has no file any more."""
    role = "auth/kubernetes/role/pr-sentinel-train"
    vault.client.write_data(role, data={"bound_service_account_names": ["*"]})
    vault.client.sys.create_or_update_policy("pr-sentinel-train", 'path "secret/*" { capabilities = ["read"] }')
    vault.client.sys.create_or_update_policy("pr-sentinel-former", 'path "secret/*" { capabilities = ["read"] }')
    vault.client.sys.create_or_update_policy("somebody-else-s", 'path "other/*" { capabilities = ["read"] }')
    assert vault.apply() == [
        "policy pr-sentinel-train: written",
        "policy pr-sentinel-former: removed",
        "role pr-sentinel-train: written",
    ]
    assert vault.client.read(role)["data"]["bound_service_account_names"] == ["pr-sentinel-train"]
    assert "somebody-else-s" in vault.client.sys.list_policies()["data"]["policies"]


def test_without_the_right_token_it_says_so_in_one_line(vault: Vault) -> None:
    """And changes nothing."""
    vault.token = vault.client.auth.token.create(policies=["default"], ttl="5m")["auth"]["client_token"]
    with pytest.raises(AssertionError, match=r"Vault at http://\S+ can't be changed: .*denied"):
        vault.apply()
