"""Which hosts are never asked through a proxy, and which certificates are trusted, in one place for all clients."""

import os
from urllib.parse import urlsplit

LOCAL_HOSTS = ("localhost", "127.0.0.1", "127.0.0.0/8", "::1", ".svc", ".cluster.local")
"""This machine, and services of a cluster by their names in it."""
URL_VARIABLES = ("MLFLOW_URI", "S3_ENDPOINT_URL", "VAULT_ADDR", "GITHUB_API_URL")


def exempt_local_hosts() -> None:
    """Exempt this machine and the cluster's services from the proxies in the environment; child processes inherit it.

    Names without a dot can only be those of services beside this one, so they are exempt too.
    """
    named = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    listed = [host.strip() for value in named.values() for host in (value or "").split(",") if host.strip()]
    if "*" in listed:
        return
    merged = ",".join(dict.fromkeys([*listed, *LOCAL_HOSTS, *_list_short_names()]))
    for name in named:
        os.environ[name] = merged


def trust_named_certificates() -> None:
    """Name a file of certificates that is only named to OpenSSL (SSL_CERT_FILE) to requests and boto3 as well."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if bundle and not any(os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")):
        os.environ["REQUESTS_CA_BUNDLE"] = bundle


def prepare_environment() -> None:
    """Prepare the environment for requests of this process and of those that it starts."""
    exempt_local_hosts()
    trust_named_certificates()


def _list_short_names() -> list[str]:
    hosts = [os.environ.get("KUBERNETES_SERVICE_HOST") or "localhost"]
    for name in URL_VARIABLES:
        try:
            host = urlsplit(os.environ.get(name) or "").hostname
        except ValueError:  # the settings will name it
            continue
        if host and "." not in host and ":" not in host:
            hosts.append(host)
    return hosts
