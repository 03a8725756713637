"""Faults around a run show in `argo get` as an understandable line; once fixed, the run continues."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster import kube
from tests.cluster.argo import Run, argo, submit
from tests.cluster.project import Vault, step_secrets

NOWHERE = f"nowhere.{kube.BACKING}.svc"


@dataclass(frozen=True)
class Fault:
    """A fault, and the message that `argo get` shows for it."""

    name: str
    broken: Callable[[Vault], object]
    message: str


def put(step: str, **values: str | None) -> Callable[[Vault], None]:
    """Other secrets at a step's path."""
    return lambda vault: vault.put(step, **values)


def bound_elsewhere(vault: Vault) -> None:
    """The role is another account's."""
    role = "auth/kubernetes/role/pr-sentinel-fetch"
    vault.client.write_data(role, data={"bound_service_account_names": ["somebody-else"]})


def without_policy(vault: Vault) -> None:
    """The role may read nothing."""
    vault.client.sys.delete_policy("pr-sentinel-fetch")


FAULTS = [
    Fault(
        "no role",
        lambda vault: vault.client.delete("auth/kubernetes/role/pr-sentinel-fetch"),
        "refuses this pod the role 'pr-sentinel-fetch': invalid role name",
    ),
    Fault("a role of others", bound_elsewhere, "service account name not authorized"),
    Fault("no policy", without_policy, "refuses the role 'pr-sentinel-fetch' access to 'secret/pr-sentinel/fetch'"),
    Fault("a key missing", put("fetch", mongo_uri=None), "MONGO_URI: Field required. Set them at secret/pr-sentinel/f"),
    Fault("no MongoDB", put("fetch", mongo_uri=f"mongodb://{NOWHERE}"), f"MongoDB at {NOWHERE}:27017 does not answer"),
    Fault("a wrong password", put("fetch", mongo_uri=f"mongodb://a:b@mongodb.{kube.BACKING}.svc"), "refuses the user"),
    Fault("no bucket", put("preprocess", store_url="s3://nothing"), "The bucket of s3://nothing does not exist"),
    Fault("no store", put("preprocess", s3_endpoint_url=f"http://{NOWHERE}"), "The store s3://pr-sentinel does not"),
    Fault("a wrong key", put("preprocess", s3_access_key_id="nobody"), "does not accept the access key"),
    Fault("no MLflow", put("train", mlflow_uri=f"http://{NOWHERE}:5000"), f"MLflow at http://{NOWHERE}:5000 can't be"),
]


def test_each_fault_is_shown_in_a_line_and_the_run_continues_once_fixed(first_run: Run, vault: Vault) -> None:
    """One run that meets them all, in the order of its steps, and ends well."""
    run = None
    for fault in FAULTS:
        vault.apply(step_secrets())
        fault.broken(vault)
        run = run.retry() if run else submit("example/docs")
        shown = run.failed()
        assert fault.message in shown, f"{fault.name}: {shown}"
        assert "Traceback" not in shown
    vault.apply(step_secrets())
    assert run
    run.retry().succeeded()


def test_a_sealed_vault(first_run: Run, vault: Vault) -> None:
    """It is worth other tries; this one can't be unsealed again, so an empty one takes its place."""
    vault.client.sys.seal()
    run = submit("example/docs")
    assert "Vault is sealed" in run.failed()
    assert len(run.pods("discover")) == 3
    kube.kubectl("delete", "pod", "vault-0", namespace=kube.BACKING)
    kube.rolled_out(kube.BACKING)
    with kube.forwarded("vault", 8200) as address:
        Vault(address).apply(step_secrets())
    run.retry().succeeded()


def test_a_namespace_without_room(first_run: Run) -> None:
    """The pod waits, and Argo says for what; with room again the run goes on by itself."""
    quota = kube.get("resourcequota", "pr-sentinel")["spec"]["hard"]
    limit({"pods": "0"})
    try:
        run = submit("example/docs")
        kube.wait(lambda: "exceeded quota" in run.shown(), "a word of the quota")
    finally:
        limit(quota)
    run.succeeded()


def limit(hard: dict[str, str]) -> None:
    """The quota of the namespace."""
    kube.kubectl("patch", "resourcequota/pr-sentinel", "--type=merge", "--patch", json.dumps({"spec": {"hard": hard}}))


def test_an_image_that_can_t_be_pulled(first_run: Run) -> None:
    """Argo says which; with the right one a new run ends well."""
    template = kube.get("workflowtemplate", "pr-sentinel")["spec"]["templates"]
    images(["localhost:5000/pr-sentinel/nothing@sha256:" + "0" * 64] * len(template))
    try:
        run = submit("example/docs")
        kube.wait(lambda: "ImagePullBackOff" in run.shown() or "ErrImagePull" in run.shown(), "a word of the image")
        assert "pr-sentinel/nothing" in run.shown()
    finally:
        images([one.get("script", {}).get("image") for one in template])
        argo("terminate", run.name)
    submit("example/docs").succeeded()


def images(names: list[str]) -> None:
    """The images of the template's steps, in their order."""
    templates = kube.get("workflowtemplate", "pr-sentinel")["spec"]["templates"]
    changes = [
        {"op": "replace", "path": f"/spec/templates/{place}/script/image", "value": name}
        for place, (one, name) in enumerate(zip(templates, names, strict=True))
        if "script" in one
    ]
    kube.kubectl("patch", "workflowtemplate/pr-sentinel", "--type=json", "--patch", json.dumps(changes))
