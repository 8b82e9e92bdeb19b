"""`gatepost token --client ID`: requests a token from the running gateway."""

from __future__ import annotations

import base64
import json
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path

import click

from gateway.commands.options import config_option, load_or_exit, prints_json, seconds
from gateway.config.model import Settings
from gateway.config.secrets import named

TIMEOUT = 10.0
"""Seconds to wait for the gateway's response."""

_HTTP_URL = re.compile(r"https?://[^/\[\]]|https?://\[[0-9a-fA-F:.]+\]")


def _check_url(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _HTTP_URL.match(value):
        raise click.BadParameter("must begin with http:// or https:// and name a host")
    return value


@click.command()
@config_option
@click.option("--client", "client_id", required=True, help="The client_id.")
@click.option(
    "--secret",
    envvar="GATEPOST_CLIENT_SECRET",
    default=None,
    help="Its secret. Default: GATEPOST_CLIENT_SECRET, or the one in gateway.yaml, or a prompt.",
)
@click.option("--scope", default=None, help="The scopes to ask for, separated by spaces.")
@click.option(
    "--validity-period",
    callback=seconds(1),
    metavar="DURATION",
    default=None,
    help="The lifetime to ask for: 600 or 10m.",
)
@click.option("--resource", "resources", multiple=True, help="An audience to ask for (RFC 8707); repeatable.")
@click.option(
    "--url", default=None, callback=_check_url, help="URL of the gateway. Default: server.public_url."
)
@prints_json
def token(
    config: Path,
    client_id: str,
    secret: str | None,
    scope: str | None,
    validity_period: int | None,
    resources: tuple[str, ...],
    url: str | None,
) -> None:
    """Request a token from the running gateway and print the response."""
    settings = load_or_exit(config)
    client_secret = (
        secret or plain_secret(settings, client_id) or click.prompt("Secret", hide_input=True, err=True)
    )
    form = [("grant_type", "client_credentials"), *(("resource", resource) for resource in resources)]
    form += [("scope", scope)] if scope is not None else []
    form += [("validity_period", str(validity_period))] if validity_period is not None else []
    request = token_request(url or settings.server.public_url, client_id, client_secret, form)
    status, body = send(request, ssl_context(settings))
    click.echo(body, err=status != 200)  # noqa: PLR2004 (OK)
    sys.exit(0 if status == 200 else 1)  # noqa: PLR2004 (OK)


def plain_secret(settings: Settings, client_id: str) -> str | None:
    """The client's secret if gateway.yaml has it in plain text."""
    for client in settings.clients:
        for item in client.secrets if client.id == client_id else ():
            if (plain := named(item).secret.plain) is not None:
                return plain
    return None


def token_request(
    base: str, client_id: str, secret: str, form: list[tuple[str, str]]
) -> urllib.request.Request:
    """A token request (RFC 6749 section 4.4.2). Basic credentials are form-encoded first (section 2.3.1)."""
    credentials = f"{urllib.parse.quote_plus(client_id)}:{urllib.parse.quote_plus(secret)}"
    return urllib.request.Request(  # noqa: S310 (http or https, by the configuration)
        base.rstrip("/") + "/token",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()},
    )


def ssl_context(settings: Settings) -> ssl.SSLContext:
    """A TLS context that also trusts the certificate of `tls: auto`."""
    context = ssl.create_default_context()
    certificate = settings.server.state_dir / "certificate.pem"
    if certificate.is_file():
        context.load_verify_locations(certificate)
    return context


def send(request: urllib.request.Request, context: ssl.SSLContext) -> tuple[int, str]:
    """Status and JSON body of the response. Exits with status 1 if there is no response."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as response:  # noqa: S310 (as above)
            return response.status, json.dumps(json.load(response))
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        click.echo(f"gatepost: no response from {request.full_url}: {reason(error)}", err=True)
        sys.exit(1)


def reason(error: Exception) -> str:
    """The connection error in plain words."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return reason(error.reason)
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; is the gateway running?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
