"""The meaning of a request that never got a response: a setting of this machine that is wrong, or a passing failure."""

import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from requests.exceptions import (
    InvalidProxyURL,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    ProxyError,
    ReadTimeout,
    SSLError,
)

from steps.common.errors import ConfigurationError, iterate_chain

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
CA_ADVICE = "Set REQUESTS_CA_BUNDLE to a PEM file with the certificate of the authority that issued it."
PROXY_ADVICE = "Write http://user:password@host:port, and @, / and # in user and password as %40, %2F and %23."

_MISSING_BUNDLE = re.compile(r"invalid path: (.+)$")
_BROKEN_BUNDLE = re.compile(r"NO_CERTIFICATE_OR_CRL_FOUND|PEM lib|no start line|X509|Permission denied|Errno 2")
_UNTRUSTED = re.compile(r"certificate verify failed: ([^(\]]+)", re.IGNORECASE)
_PLAIN_HTTP = re.compile(r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE|HTTP_REQUEST|UNKNOWN_PROTOCOL")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})([^')\"]*)")
_REASONS = (
    (re.compile(r"resolve|Name or service not known|nodename nor servname"), "its host name can't be resolved"),
    (re.compile(r"Connection refused"), "the connection was refused"),
    (re.compile(r"unreachable"), "there is no route to it"),
    (re.compile(r"ConnectTimeout|timed out"), "it did not answer in time"),
)


class Interruption(NamedTuple):
    """A failure that may pass; `is_slow` means that the server took too long to respond."""

    problem: str
    is_slow: bool = False


def translate_network_error(error: OSError, server: str, setting: str) -> ConfigurationError | Interruption:
    """Return what the failure means; no password of a proxy or a URL gets into the words.

    Args:
        error: what requests raised.
        server: the server in words, such as `GitHub at https://…`.
        setting: the name of the setting with its URL.
    """
    text = _flatten(error)
    if known := _translate_certificates(error, text, server, setting):
        return known
    if isinstance(error, ProxyError | InvalidProxyURL | InvalidURL) and (broken := _find_broken_proxy()):
        return ConfigurationError(f"{broken} is not a valid URL.", advice=PROXY_ADVICE)
    if isinstance(error, ProxyError | InvalidProxyURL):
        return _translate_proxy(text, server)
    if isinstance(error, InvalidSchema) and "SOCKS" in text:
        return ConfigurationError(
            f"The proxy {_format_proxy()} speaks SOCKS, which is not supported.", advice="Use an HTTP proxy."
        )
    if isinstance(error, InvalidSchema | InvalidURL | MissingSchema):
        return ConfigurationError(f"{setting} is not a valid URL.", advice=f"Correct {setting}.")
    reason = next((words for pattern, words in _REASONS if pattern.search(text)), "")
    problem = f"the response was cut off or never came ({type(error).__name__}{': ' if reason else ''}{reason})"
    return Interruption(problem, is_slow=isinstance(error, ReadTimeout))


def _translate_certificates(error: OSError, text: str, server: str, setting: str) -> ConfigurationError | None:
    if (missing := _MISSING_BUNDLE.search(str(error))) and "certificate" in text:
        return ConfigurationError(
            f"There is no file of certificates at {missing[1]}, which {_find_variable(missing[1])} names.",
            advice="Correct or unset it.",
        )
    if not isinstance(error, SSLError):
        return None
    if untrusted := _UNTRUSTED.search(text):
        return ConfigurationError(
            f"The certificate of {server} is not trusted: {untrusted[1].strip()}.", advice=CA_ADVICE
        )
    if _PLAIN_HTTP.search(text):
        return ConfigurationError(
            f"{server} does not speak TLS.", advice=f"Use http:// in {setting}, or the port for https://."
        )
    named = next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), None)
    if named and _BROKEN_BUNDLE.search(text):
        return ConfigurationError(
            f"The file of certificates {named}, which {_find_variable(named)} names, can't be used.",
            advice="It has to be a readable PEM file.",
        )
    return None


def _translate_proxy(text: str, server: str) -> ConfigurationError | Interruption:
    proxy = _format_proxy()
    if (refused := _TUNNEL.search(text)) and refused[1] in {"401", "403", "405", "407"}:
        return ConfigurationError(
            f"The proxy {proxy} refuses the connection to {server}: {refused[1]}{refused[2]}.",
            advice="Set user and password in HTTPS_PROXY, or except the host with NO_PROXY.",
        )
    return Interruption(f"the proxy {proxy} can't be used{f' ({refused[1]}{refused[2]})' if refused else ''}")


def _flatten(error: BaseException) -> str:
    """Return the kinds and the words of an error and of those behind it."""
    return "; ".join(f"{type(each).__name__}: {each}" for each in iterate_chain(error))


def _find_variable(path: str) -> str:
    return next((name for name in CA_VARIABLES if os.environ.get(name) == path), "a setting")


def _list_proxies() -> list[tuple[str, str]]:
    """Return the variables with proxies that are set, and their URLs."""
    values = ((name, os.environ.get(name) or os.environ.get(name.lower())) for name in PROXY_VARIABLES)
    return [(name, value if "://" in value else f"http://{value}") for name, value in values if value]


def _find_broken_proxy() -> str | None:
    """Return the name of a variable whose URL is not one, often because of letters of a password."""
    return next((name for name, url in _list_proxies() if not _is_proxy_url(url)), None)


def _is_proxy_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and "@" not in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        return False


def _format_proxy() -> str:
    """Return the host of the proxy in the environment, without user and password."""
    for name, url in _list_proxies():
        return f"{urlsplit(url).hostname} ({name})"
    return "of the environment"
