"""Files of one reason, each tested in the same folder of `tests/`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.project.imports import ROOT, sources, tree_of

MOST_LINES = 400

TESTED_ELSEWHERE = {
    "what commands work with, seen through them: test_test.py, test_replay.py and test_prune.py": [
        "gateway/assembly/example_tokens.py",
        "gateway/proxy/disuse.py",
        "gateway/proxy/replay.py",
        "gateway/assembly/offline_routes.py",
        "gateway/config/expectations.py",
    ],
    "a process of its own, seen from outside: tests/process/test_single_worker.py and test_multi_worker.py": [
        "gateway/process/multi_worker_app.py",
        "gateway/process/multi_worker_process.py",
    ],
    "the running gateway, asked to: tests/e2e/test_upgrade.py": [
        "gateway/commands/upgrade.py",
    ],
    "the running gateway, asked from outside: tests/e2e/test_status.py": [
        "gateway/assembly/status.py",
        "gateway/commands/log_level.py",
        "gateway/commands/reload.py",
        "gateway/commands/routes.py",
        "gateway/commands/running.py",
        "gateway/process/log_level.py",
    ],
    "webhooks of applications, by page and by REST: tests/portal/test_webhooks.py": [
        "gateway/portal/api/webhooks.py",
        "gateway/portal/pages/webhook.py",
    ],
    "people's own e-mail addresses, by page, REST and command: tests/portal/test_user_mails.py": [
        "gateway/assembly/user_mails.py",
        "gateway/portal/api/me.py",
        "gateway/portal/pages/email.py",
    ],
    "who is given an application, by page and by REST: tests/portal/pages/test_owner.py and test_teams.py": [
        "gateway/portal/new_owner.py",
    ],
    "whole bodies, from outside: tests/web/test_bodies.py": [
        "gateway/web/buffered_response.py",
        "gateway/web/collected_body.py",
    ],
    "messages of MCP, from outside: tests/web/test_mcp.py": [
        "gateway/config/mcp.py",
        "gateway/proxy/json_rpc_problem.py",
        "gateway/proxy/mcp_guard.py",
    ],
    "lines of the access log, from outside: tests/e2e/test_log_fields.py": [
        "gateway/upstream/timed_call.py",
        "gateway/upstream/upstream_times.py",
    ],
    "real Envoys that are served: tests/e2e/test_xds.py": [
        "gateway/xds/log.py",
        "gateway/xds/server.py",
    ],
    "certificates of a real authority, from outside: tests/e2e/test_acme.py": [
        "gateway/acme/account.py",
        "gateway/acme/challenges.py",
        "gateway/assembly/certificates.py",
        "gateway/process/acme_certificate.py",
        "gateway/process/acme_renewal.py",
        "gateway/web/acme_challenges.py",
    ],
    "configurations of other products, read by the command: tests/commands/test_import_routes.py": [
        "gateway/converters/draft.py",
        "gateway/converters/kong_access.py",
        "gateway/converters/kong_plugins.py",
        "gateway/converters/openapi.py",
        "gateway/converters/wso2.py",
    ],
    "limits that are reached, from outside: tests/e2e/test_reached_limits.py": [
        "gateway/server/limit_log.py",
    ],
    "revocations, proven from outside: tests/e2e/test_proven_revocation.py": [
        "gateway/assembly/revocation_proof.py",
    ],
    "listeners, from outside: tests/e2e/test_listeners.py": [
        "gateway/web/redirect_app.py",
    ],
    "refusals, asked for from outside: tests/e2e/test_why.py": [
        "gateway/assembly/refusal_log.py",
        "gateway/commands/why.py",
    ],
    "the audit log of a running gateway: tests/e2e/test_audit.py": [
        "gateway/commands/audit.py",
        "gateway/store/change_listener.py",
    ],
    "OpenTelemetry, received: tests/e2e/test_otel_traces.py, test_otel_metrics.py, test_otel_collector.py": [
        "gateway/otel/exporters.py",
        "gateway/otel/log_entry.py",
        "gateway/otel/metric_points.py",
        "gateway/otel/otlp.py",
        "gateway/otel/pipeline.py",
        "gateway/process/otel.py",
        "gateway/proxy/trace_hooks.py",
        "gateway/web/request_spans.py",
        "gateway/web/tracing_recorder.py",
    ],
    "a section of gateway.yaml: tests/config/test_model.py": [
        "gateway/config/base.py",
        "gateway/config/clients.py",
        "gateway/config/portal_brand.py",
        "gateway/config/route_docs.py",
        "gateway/config/routes.py",
        "gateway/config/upstream_auth.py",
    ],
    "names, values and interfaces, without a rule of their own": [
        "gateway/oauth/grant_services.py",
        "gateway/plugin/store_services.py",
        "gateway/web/proxy_services.py",
        "gateway/server/client_connection.py",
        "gateway/server/in_flight.py",
    ],
    "images of the portal: test_portal_brand.py and test_portal_pages.py beside it": [
        "gateway/config/checks/image_files.py",
    ],
    "TLS certificates of clients, seen by the upstream: tests/web and tests/standards": [
        "gateway/server/peer.py",
    ],
    "rules of clients, asked over the wire: tests/standards/test_client_rules.py": [
        "gateway/proxy/client_networks.py",
    ],
    "what a gateway of a configuration does: tests/test_app.py": [
        "gateway/assembly/identities.py",
        "gateway/assembly/token_services.py",
    ],
    "forward authentication, asked over the wire: tests/web/test_verify_endpoint.py": [
        "gateway/assembly/forward_auth.py",
        "gateway/config/forward_auth.py",
        "gateway/config/management.py",
        "gateway/web/verify_fast_path.py",
    ],
    "questions of the edge, from outside: tests/edge/test_grpc.py": [
        "gateway/web/edge_questions.py",
    ],
    "questions by gRPC, asked over the wire: tests/e2e/test_ext_authz.py": [
        "gateway/ext_authz/authorization.py",
        "gateway/ext_authz/check_messages.py",
        "gateway/ext_authz/listener.py",
    ],
    "registration, asked over the wire: tests/standards/test_registration.py": [
        "gateway/assembly/registration.py",
        "gateway/config/registration.py",
        "gateway/oauth_flows/registration.py",
        "gateway/web/registration_endpoint.py",
    ],
    "grants, asked over the wire: tests/standards/test_token_exchange.py": [
        "gateway/issuers/subject_tokens.py",
        "plugins/jwt_bearer.py",
        "plugins/token_exchange.py",
    ],
    "an OAuth endpoint, asked over the wire: tests/standards": [
        "gateway/oauth_flows/introspection.py",
        "gateway/oauth_flows/revocation.py",
    ],
    "open invitations: tests/accounts/test_invitations.py": [
        "gateway/store/invitations.py",
    ],
    "the edge, asked over the wire: tests/edge": [
        "gateway/edge/bootstrap.py",
        "gateway/edge/edge.py",
        "gateway/edge/envoy_process.py",
        "gateway/edge/http_options.py",
        "gateway/edge/listeners.py",
        "gateway/edge/local_replies.py",
        "gateway/edge/routes.py",
        "gateway/edge/secrets.py",
        "gateway/process/envoy_edge.py",
        "gateway/server/edge_connection.py",
    ],
    "scripts that the store runs: tests/store shows what they do": [
        "gateway/store/refresh_scripts.py",
        "gateway/store/token_scripts.py",
    ],
    "prepared problems: tests/proxy/test_challenges.py, tests/web/test_overload_guard.py": [
        "gateway/http/prepared_response.py",
    ],
}
"""Files without a test file of their own, under the reason."""

EXCEPTIONS = {source for sources_of_one in TESTED_ELSEWHERE.values() for source in sources_of_one}

SOURCES = [str(path) for path in sources() if path.name not in ("__init__.py", "__main__.py")]

TESTS = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]


def has_a_test(source: str) -> bool:
    """Whether a test file has its name, in the same folder of `tests/`, or a test imports it."""
    path = Path(source)
    folder = path.parent if path.parts[0] == "plugins" else path.parent.relative_to("gateway")
    if (ROOT / "tests" / folder / f"test_{path.name}").exists():
        return True
    wanted = f"from {'.'.join(path.with_suffix('').parts)} import"
    return any(wanted in text for text in TESTS)


def test_every_file_has_its_test() -> None:
    without = {source for source in SOURCES if not has_a_test(source)}
    assert not without - EXCEPTIONS, "test them, or name the reason why not"
    assert not EXCEPTIONS - without, "a test imports them, or they are gone: they need no exception"


def test_no_file_is_long() -> None:
    lengths = {source: len((ROOT / source).read_text().splitlines()) for source in SOURCES}
    long = {source: lines for source, lines in lengths.items() if lines > MOST_LINES}
    assert not long, "they have more than one reason"


@pytest.mark.parametrize("name", ["utils", "util", "helpers", "helper", "common", "misc"])
def test_there_is_no_drawer_for_everything(name: str) -> None:
    assert not [source for source in SOURCES if name in Path(source).with_suffix("").parts]


def test_a_public_class_name_stands_for_one_thing() -> None:
    places: dict[str, list[str]] = {}
    for source in SOURCES:
        for node in tree_of(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(source)
    assert not {name: found for name, found in places.items() if len(found) > 1}
