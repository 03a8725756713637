"""What each identity on AWS may do with the store, by the policies that the module renders and a simulator of IAM.

The module needs no provider, so it is applied for real; moto evaluates what it renders, while the steps' own store does
the requests. Whatever this table doesn't have is refused.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import permutations, product
from typing import Any

import boto3
import moto
import pytest
from botocore.exceptions import ClientError
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMPolicy, PermissionResult

from infra.checks import program, run
from steps.common.errors import AccessRefused
from steps.common.store import S3Store
from steps.preprocess.dataset import create_staging_folder

pytestmark = pytest.mark.skipif(not program.find(), reason="neither tofu nor terraform is on the PATH")
BUCKET, ACCOUNT, ISSUER = "pr-sentinel-test", "123456789012", "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
GITHUB = "token.actions.githubusercontent.com"
FOLDERS = ("datasets", "staging", "bentos", "runs", "drift", "elsewhere")
REPOSITORY, CLUSTER = "pr-sentinel/train", "pr-sentinel-staging"
BESIDE_THE_STORE: dict[str, tuple[str, dict[str, Any]]] = {
    "ecr": ("describe_repositories", {"repositoryNames": [REPOSITORY]}),
    "eks": ("describe_cluster", {"name": CLUSTER}),
    "iam": ("list_roles", {}),
    "s3": ("list_buckets", {}),
}
"""A call of each service that an identity has no business with."""
OPERATIONS = ("read", "write", "delete")
MAY: dict[str, dict[str, set[str]]] = {
    "preprocess": {"read": {"datasets", "staging"}, "write": {"datasets", "staging"}, "delete": {"staging"}},
    "executor": {"write": {"staging"}},
    "train": {"read": {"datasets"}},
    "register": {"read": {"datasets", "bentos"}, "write": {"bentos", "runs"}, "delete": {"bentos"}},
    "monitor": {"read": {"datasets", "bentos", "drift"}, "write": {"drift"}},
    "release": {"read": {"bentos"}},
}
SUBJECTS = {
    **{step: (ISSUER, f"system:serviceaccount:pr-sentinel:pr-sentinel-{step}") for step in MAY if step != "release"},
    "release": (GITHUB, "repo:example/pr-sentinel:ref:refs/heads/main"),
}
STRANGERS = {
    **{
        step: (ISSUER, f"system:serviceaccount:pr-sentinel:pr-sentinel-{step}") for step in ("fetch", "serve", "checks")
    },
    "the account of no step": (ISSUER, "system:serviceaccount:pr-sentinel:default"),
    "another namespace": (ISSUER, "system:serviceaccount:default:pr-sentinel-register"),
    "another cluster": ("oidc.example.com/id/OTHER", SUBJECTS["register"][1]),
    "another repository": (GITHUB, "repo:example/other:ref:refs/heads/main"),
    "a pull request": (GITHUB, "repo:example/pr-sentinel:pull_request"),
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """The module's outputs: policies and trusts by identity, as JSON."""
    folder = tmp_path_factory.mktemp("infra") / "infra"
    shutil.copytree(run.INFRA, folder, ignore=shutil.ignore_patterns(".terraform*", "__pycache__"))
    module = folder / "modules" / "aws" / "policies"
    assert program.run(module, "init", "-input=false").returncode == 0
    variables = {
        "bucket_arn": f"arn:aws:s3:::{BUCKET}",
        "key_arn": f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1",
        "account": ACCOUNT,
        "issuer": ISSUER,
        "repository": "example/pr-sentinel",
    }
    (module / "test.auto.tfvars.json").write_text(json.dumps(variables), "utf-8")
    applied = program.run(module, "apply", "-auto-approve", "-input=false")
    assert applied.returncode == 0, applied.stderr
    done = program.run(module, "output", "-json")
    return {name: output["value"] for name, output in json.loads(done.stdout).items()}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS in this process that refuses what policies don't allow, once `enforce` has been called."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        yield
    settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")


def make_account() -> None:
    """Make what an environment has: the bucket with an object in each folder, a repository of images, the cluster."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for folder in FOLDERS:
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/there", Body=b"x")
    boto3.client("ecr").create_repository(repositoryName=REPOSITORY, imageTagMutability="IMMUTABLE")
    role, network = f"arn:aws:iam::{ACCOUNT}:role/cluster", {"subnetIds": ["subnet-1", "subnet-2"]}
    boto3.client("eks").create_cluster(name=CLUSTER, roleArn=role, resourcesVpcConfig=network)


def take_roles(policies: Mapping[str, str]) -> dict[str, boto3.Session]:
    """Make a role for each identity and take it; whatever follows is judged by the roles' policies."""
    iam, sts = boto3.client("iam"), boto3.client("sts")
    sessions = {}
    for name, policy in policies.items():
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="store", PolicyDocument=policy)
        keys = sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        sessions[name] = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
    ActionAuthenticatorMixin.request_count = 0
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    return sessions


def open_stores(policies: Mapping[str, str]) -> dict[str, S3Store]:
    """Make the account, and the store of each identity."""
    make_account()
    return {name: S3Store(BUCKET, "", session.client("s3")) for name, session in take_roles(policies).items()}


def find_calls(session: boto3.Session) -> set[str]:
    """Return which of the calls beside the store AWS lets an identity make."""
    allowed = set()
    for service, (call, arguments) in BESIDE_THE_STORE.items():
        try:
            getattr(session.client(service), call)(**arguments)
            allowed.add(service)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.FORBIDDEN:
                raise
    return allowed


def is_allowed(store: S3Store, operation: str, folder: str) -> bool:
    """Do it with the steps' own store and return whether AWS let it."""
    try:
        match operation:
            case "read":
                store.read(f"{folder}/there")
            case "write":
                store.write(f"{folder}/new", b"x")
            case _:
                with store._translate_errors(folder):
                    store._client.delete_object(Bucket=BUCKET, Key=f"{folder}/new")
    except AccessRefused:
        return False
    return True


def find_rights(store: S3Store) -> dict[str, set[str]]:
    """Return what an identity may do, found by trying everything."""
    found = {operation: {each for each in FOLDERS if is_allowed(store, operation, each)} for operation in OPERATIONS}
    return {operation: folders for operation, folders in found.items() if folders}


@pytest.mark.usefixtures("aws")
def test_each_identity_may_do_what_the_table_says_and_nothing_else(rendered: dict[str, dict[str, str]]) -> None:
    """Six identities, six folders, three operations each."""
    stores = open_stores(rendered["policies"])
    assert {name: find_rights(store) for name, store in stores.items()} == MAY


@pytest.mark.usefixtures("aws")
def test_no_identity_reaches_images_the_cluster_or_other_identities(rendered: dict[str, dict[str, str]]) -> None:
    """Nor the list of buckets; with a policy that allows a call, it is allowed."""
    make_account()
    statement = {"Effect": "Allow", "Action": "ecr:DescribeRepositories", "Resource": "*"}
    wider = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sessions = take_roles({**rendered["policies"], "wider": wider})
    found = {name: find_calls(session) for name, session in sessions.items()}
    assert found == {**{name: set() for name in MAY}, "wider": {"ecr"}}


@pytest.mark.usefixtures("aws")
def test_a_wider_policy_shows(rendered: dict[str, dict[str, str]]) -> None:
    """Else a simulator that allows everything, or refuses everything, would do."""
    policy = json.loads(rendered["policies"]["train"])
    (read,) = (each for each in policy["Statement"] if each["Sid"] == "Read")
    read["Resource"] = [f"arn:aws:s3:::{BUCKET}/*"]
    assert find_rights(open_stores({"train": json.dumps(policy)})["train"]) == {"read": set(FOLDERS)}


@pytest.mark.usefixtures("aws")
def test_preprocess_can_do_its_work(rendered: dict[str, dict[str, str]]) -> None:
    """It looks for what is missing, writes beside, moves, and removes what is left."""
    store = open_stores(rendered["policies"])["preprocess"]
    with create_staging_folder(store) as staged:
        store.write(f"{staged}/part.parquet", b"x")
        assert not store.exists("datasets/1/part.parquet")
        store.move(f"{staged}/part.parquet", "datasets/1/part.parquet")
    assert store.list_keys("datasets/1") == ["datasets/1/part.parquet"]
    assert store.read("datasets/1/part.parquet") == b"x"


def may_assume(trust: str, provider: str, subject: str, audience: str = "sts.amazonaws.com") -> bool:
    """Return whether a token of this provider, for this subject, gets the role with this trust."""
    (statement,) = json.loads(trust)["Statement"]
    if statement["Principal"] != {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{provider}"}:
        return False
    # moto takes a condition on a key that the token lacks as met; AWS refuses.
    assert set(statement["Condition"]) == {"StringEquals"}
    assert set(statement["Condition"]["StringEquals"]) == {f"{provider}:sub", f"{provider}:aud"}
    token = {f"{provider}:sub": subject, f"{provider}:aud": audience}
    found = IAMPolicy(trust).is_action_permitted("sts:AssumeRoleWithWebIdentity", incoming_condition_values=token)
    return found is PermissionResult.PERMITTED


def test_each_identity_is_taken_by_its_own_account(rendered: dict[str, dict[str, str]]) -> None:
    assert set(rendered["trusts"]) == set(SUBJECTS)
    assert [name for name in SUBJECTS if not may_assume(rendered["trusts"][name], *SUBJECTS[name])] == []


@pytest.mark.parametrize(("who", "other"), list(permutations(MAY, 2)), ids=" as ".join)
def test_no_identity_is_taken_by_another_step(rendered: dict[str, dict[str, str]], who: str, other: str) -> None:
    """All n(n-1) pairs."""
    assert not may_assume(rendered["trusts"][other], *SUBJECTS[who])


@pytest.mark.parametrize(("who", "other"), list(product(STRANGERS, MAY)), ids=" as ".join)
def test_no_identity_is_taken_by_a_stranger(rendered: dict[str, dict[str, str]], who: str, other: str) -> None:
    assert not may_assume(rendered["trusts"][other], *STRANGERS[who])


@pytest.mark.parametrize("name", MAY)
def test_a_token_for_something_else_is_refused(rendered: dict[str, dict[str, str]], name: str) -> None:
    """For Vault or the API server, say."""
    assert not may_assume(rendered["trusts"][name], *SUBJECTS[name], audience="vault")
