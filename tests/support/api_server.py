"""A fake API server for the real kubectl: a Rollout, its ReplicaSets and analyses, and Argo CD's application.

Who asks is known by the path of the server's URL, since kubectl sends no token without TLS, and may do what the Roles
that are bound to that account allow. Everything is in the JSON file of the tests' cluster and changes there as Argo
Rollouts' controller would change it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.integration.release import kubectl as controller
from tests.support import http_server
from tests.support.workers import LOOPBACK

Document = dict[str, Any]
PATCHES = {
    "application/merge-patch+json": "merge",
    "application/json-patch+json": "json",
}
GROUPS = {
    "argoproj.io/v1alpha1": {"rollouts": "Rollout", "analysisruns": "AnalysisRun", "applications": "Application"},
    "apps/v1": {"replicasets": "ReplicaSet"},
}
STORED = {"replicasets": "replicasets", "analysisruns": "analysisruns"}


class Call(NamedTuple):
    """A call as authorisation sees it."""

    verb: str
    group: str
    resource: str
    name: str
    namespace: str


class Refused(Exception):
    """An answer other than success, with its status and reason."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class ApiServer:
    """An API server over a file, with the Roles and RoleBindings of its cluster.

    An account `namespace/name` has the server's URL with the path `/as/namespace/name`. `calls` are those that were
    allowed, each with its account.
    """

    def __init__(self, path: Path, access: Sequence[Document]) -> None:
        self.path = path
        self.access = list(access)
        self.calls: list[tuple[str, Call]] = []
        self._lock = Lock()

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Document:
        """Answer a request.

        Raises:
            Refused: it is not allowed, or there is no such thing.
        """
        parts = urlsplit(url)
        _, _, namespace, name, path = parts.path.split("/", 4)
        account = f"{namespace}/{name}"
        if (found := discover(path)) is not None:
            return found
        call = read_call(method, path)
        if not self.is_allowed(account, call):
            raise Refused(403, "Forbidden", f'{call.resource} is forbidden: User "{account}" cannot {call.verb} it')
        with self._lock:
            self.calls.append((account, call))
            state = json.loads(self.path.read_text())
            kind = PATCHES.get(headers.get("content-type", ""), "")
            said = act(state, call, parse_qs(parts.query), kind, json.loads(body) if body else None)
            self.path.write_text(json.dumps(state))
        return said

    def is_allowed(self, account: str, call: Call) -> bool:
        """Return whether a Role that is bound to the account, in the call's namespace, has a rule for the call."""
        roles = {one["metadata"]["name"]: one["rules"] for one in self._of_kind("Role", call.namespace)}
        bound = [
            rule
            for binding in self._of_kind("RoleBinding", call.namespace)
            if account in {f"{who['namespace']}/{who['name']}" for who in binding["subjects"]}
            for rule in roles[binding["roleRef"]["name"]]
        ]
        return any(
            call.group in rule["apiGroups"]
            and call.resource in rule["resources"]
            and call.verb in rule["verbs"]
            and call.name in rule.get("resourceNames", [call.name])
            for rule in bound
        )

    def _of_kind(self, kind: str, namespace: str) -> list[Document]:
        return [one for one in self.access if (one["kind"], one["metadata"]["namespace"]) == (kind, namespace)]


def discover(path: str) -> Document | None:
    """Return what kubectl asks of a server before anything else; None for another path."""
    match path.strip("/").split("/"):
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["api", "v1"]:
            return {"kind": "APIResourceList", "groupVersion": "v1", "resources": []}
        case ["apis"]:
            versions = {name: {"groupVersion": name, "version": name.partition("/")[2]} for name in GROUPS}
            groups = [
                {"name": name.partition("/")[0], "versions": [one], "preferredVersion": one}
                for name, one in versions.items()
            ]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group, version]:
            resources = [
                {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get", "list"]}
                for name, kind in GROUPS[f"{group}/{version}"].items()
            ]
            return {"kind": "APIResourceList", "groupVersion": f"{group}/{version}", "resources": resources}
    return None


def read_call(method: str, path: str) -> Call:
    """Read what a request asks for."""
    match path.strip("/").split("/"):
        case ["apis", group, _, "namespaces", namespace, resource]:
            return Call("list", group, resource, "", namespace)
        case ["apis", group, _, "namespaces", namespace, resource, name, *more]:
            verb = {"GET": "get", "PATCH": "patch"}[method]
            return Call(verb, group, "/".join([resource, *more]), name, namespace)
    raise Refused(404, "NotFound", f"the server could not find the requested resource {path}")


def act(state: Document, call: Call, query: dict[str, list[str]], kind: str, patch: Any) -> Document:
    """Do what a call asks, and return the object or the list."""
    if call.resource in STORED:
        chosen = query.get("labelSelector", [""])[0].removeprefix(f"{controller.HASH}=")
        items = [one for one in state[STORED[call.resource]] if chosen in {"", controller.hash_of(one)}]
        return describe(call, {"items": items, "metadata": {}}, "List")
    if call.resource == "applications":
        if not state["application"]:
            raise Refused(404, "NotFound", f'applications.argoproj.io "{call.name}" not found')
        if call.verb == "patch":
            annotations = state["application"]["metadata"].setdefault("annotations", {})
            for name, value in patch["metadata"]["annotations"].items():
                controller.annotate(annotations, f"{name}-" if value is None else f"{name}={value}")
        return describe(call, state["application"])
    if call.verb == "patch":
        controller.patched(state, kind, patch, call.resource.endswith("/status"))
        return describe(call, state["rollout"])
    said = json.loads(json.dumps(state["rollout"]))
    controller.seen(state["rollout"]["status"])
    return describe(call, said)


def describe(call: Call, found: Document, suffix: str = "") -> Document:
    """Return an object with its kind and name."""
    version, kind = next(
        (version, kinds[call.resource.partition("/")[0]])
        for version, kinds in GROUPS.items()
        if call.resource.partition("/")[0] in kinds
    )
    named = {"name": call.name, "namespace": call.namespace} if call.name else {}
    return found | {"apiVersion": version, "kind": f"{kind}{suffix}", "metadata": found["metadata"] | named}


@contextmanager
def serve(server: ApiServer) -> Iterator[str]:
    """Serve it until the end of the block; yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_PATCH(self) -> None:
            self._answer("PATCH")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, said = 200, server.answer(method, self.path, headers, body)
            except Refused as refused:
                status = refused.status
                said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "metadata": {}}
                said |= {"reason": refused.reason, "message": str(refused)}
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name in the base class
            """Say nothing."""

    with http_server.serve(Handler) as listening:
        yield f"http://{LOOPBACK}:{listening.server_port}"
