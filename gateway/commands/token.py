"""`gatepost token --client ID`: asks the running gateway for a token."""

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

from gateway.commands.options import config_option, load_or_exit, seconds
from gateway.config.model import Settings
from gateway.config.secrets import named

TIMEOUT = 10.0  # seconds


def _web(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.match(r"https?://[^/\[\]]|https?://\[[0-9a-fA-F:.]+\]", value):
        raise click.BadParameter("must begin with http:// or https:// and name a host")
    return value


@click.command()
@config_option
@click.option("--client", "client_id", required=True, help="The client's id.")
@click.option(
    "--secret",
    envvar="GATEPOST_CLIENT_SECRET",
    default=None,
    help="Its secret; left out: GATEPOST_CLIENT_SECRET, the one in gateway.yaml, or asked for.",
)
@click.option("--scope", default=None, help="The scopes to ask for, with a space between.")
@click.option(
    "--validity-period",
    callback=seconds(1),
    metavar="DURATION",
    default=None,
    help="How long the token shall live: 600 or 10m.",
)
@click.option("--resource", "resources", multiple=True, help="A resource that the token is for.")
@click.option("--url", default=None, callback=_web, help="Where the gateway is; left out: server.public_url.")
def token(
    config: Path,
    client_id: str,
    secret: str | None,
    scope: str | None,
    validity_period: int | None,
    resources: tuple[str, ...],
    url: str | None,
) -> None:
    """Asks the running gateway for a token and prints its answer."""
    settings = load_or_exit(config)
    proof = secret or plain_secret(settings, client_id) or click.prompt("Secret", hide_input=True, err=True)
    form = [("grant_type", "client_credentials"), *(("resource", resource) for resource in resources)]
    form += [("scope", scope)] if scope is not None else []
    form += [("validity_period", str(validity_period))] if validity_period is not None else []
    request = token_request(url or settings.server.public_url, client_id, proof, form)
    status, body = ask(request, trusting(settings))
    click.echo(body, err=status != 200)  # noqa: PLR2004 (OK)
    sys.exit(0 if status == 200 else 1)  # noqa: PLR2004 (OK)


def plain_secret(settings: Settings, client_id: str) -> str | None:
    """The client's secret, where gateway.yaml has it in plain text."""
    for client in settings.clients:
        for item in client.secrets if client.id == client_id else ():
            if (plain := named(item).secret.plain) is not None:
                return plain
    return None


def token_request(
    base: str, client_id: str, secret: str, form: list[tuple[str, str]]
) -> urllib.request.Request:
    """The request for a token (RFC 6749 section 4.4.2), each half of Basic form-encoded (section 2.3.1)."""
    halves = f"{urllib.parse.quote_plus(client_id)}:{urllib.parse.quote_plus(secret)}"
    return urllib.request.Request(  # noqa: S310 (http or https, by the configuration)
        base.rstrip("/") + "/token",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Authorization": "Basic " + base64.b64encode(halves.encode()).decode()},
    )


def trusting(settings: Settings) -> ssl.SSLContext:
    """A context that also trusts the gateway's own self-signed certificate."""
    context = ssl.create_default_context()
    own = settings.server.state_dir / "certificate.pem"
    if own.is_file():
        context.load_verify_locations(own)
    return context


def ask(request: urllib.request.Request, context: ssl.SSLContext) -> tuple[int, str]:
    """The status and the JSON of the answer. Where there is no answer, the command ends with 1."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT, context=context) as answer:  # noqa: S310 (as above)
            return answer.status, json.dumps(json.load(answer))
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        click.echo(f"gatepost: no answer from {request.full_url}: {reason(error)}", err=True)
        sys.exit(1)


def reason(error: Exception) -> str:
    """Why there is no answer, as a person reads it."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return reason(error.reason)
    if isinstance(error, ConnectionRefusedError):
        return "connection refused; is the gateway running?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
