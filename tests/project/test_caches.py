"""Every cache is registered with a bound in bytes, and the documentation says the same."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from gateway.runtime.caches import BOUNDS, KIB, MIB, CacheBound
from tests.project.imports import ROOT, module_name, sources, tree_of

PAGE = ROOT / "docs" / "pages" / "architecture" / "caches.md"
MAKERS = frozenset({"lru_cache", "cache", "WeakKeyDictionary", "WeakValueDictionary"})
"""What must come from `gateway.runtime.caches`."""
MODULES = frozenset({"collections", "functools", "weakref"})
COLLECTIONS = frozenset({"dict", "set", "deque", "defaultdict", "Counter", "OrderedDict"})

BOUNDED_OTHERWISE = {
    "gateway/assembly/shared_sets.py": "sets of one configuration, while it is built",
    "gateway/notices/outbox.py": "MOST notices wait for the store",
    "gateway/accounts/file_users.py": "users of the configuration",
    "gateway/accounts/call_watch.py": "the last minutes of each route that is called",
    "gateway/accounts/calls.py": "calls since the last write, by registered client",
    "gateway/accounts/key_uses.py": "uses since the last write, by registered client and API key",
    "gateway/accounts/passwords.py": "at most MAX_WAITING_ADDRESSES by MAX_WAITING_PER_ADDRESS requests",
    "gateway/accounts/usage.py": "counts since the last write, by registered client",
    "gateway/accounts/users.py": "users of the configuration",
    "gateway/assembly/activity.py": "at most MOST entries wait for the store",
    "gateway/assembly/plugins.py": "plugins of the configuration",
    "gateway/config/yaml_composer.py": "of one file that is being read",
    "gateway/ext_authz/connection.py": "calls of one open connection, at most its concurrent streams",
    "gateway/issuers/introspection_issuer.py": "requests under way, at most MAX_CONCURRENT",
    "gateway/issuers/workloads.py": "trusts of the configuration",
    "gateway/limits/rate_bucket.py": "steps of one window",
    "gateway/otel/batch_queue.py": "at most OTEL_BSP_MAX_QUEUE_SIZE spans, and so on",
    "gateway/otel/pipeline.py": "a queue for each kind of what is sent",
    "gateway/portal/api_documents.py": "documents at URLs of the configuration, 1 MiB each",
    "gateway/process/acceptor.py": "connections that are being accepted or drained",
    "gateway/process/certificates.py": "certificates of the configuration and of the one before",
    "gateway/process/envoy_edge.py": "certificates of the configuration and of those before",
    "gateway/process/handshakes.py": "connections whose client has as long as the header timeout",
    "gateway/process/line_writer.py": "at most MOST_WAITING bytes",
    "gateway/process/worker.py": "configurations that end",
    "gateway/proxy/route_tree.py": "routes of the configuration",
    "gateway/runtime/repeated_lines.py": "at most MOST texts of the gateway's own",
    "gateway/runtime/bytecode_cache.py": "what modules compile while they are imported",
    "gateway/server/connection_limits.py": "addresses of open connections",
    "gateway/server/connection_manager.py": "open connections",
    "gateway/server/early_reader.py": "connections in their first moments",
    "gateway/proxy/disuse.py": "routes matched by a command, at most MAX_REMEMBERED",
    "gateway/proxy/replay.py": "verdicts of a command, at most MAX_REMEMBERED",
    "gateway/server/limit_log.py": "names of limits",
    "gateway/store/outage_log.py": "at most MOST reasons",
    "gateway/store/pool.py": "pools of connections that are being closed",
    "gateway/store/cluster_connection.py": "the masters, their links, and commands under way",
    "gateway/store/cluster_nodes.py": "the nodes of the cluster",
    "gateway/store/questions.py": "questions under way, one to each server",
    "gateway/store/replicated.py": "a lock for each master",
    "gateway/signing/key_check.py": "tasks under way",
    "gateway/signing/key_ring.py": "signing keys of the store",
    "gateway/store/record_mac.py": "at most _MOST_LOGGED names",
    "gateway/store/redis_connection.py": "keys that the gateway itself watches",
    "gateway/store/resp_connection.py": "commands under way",
    "gateway/tokens/store_questions.py": "questions under way",
    "gateway/upstream/balancing_policies.py": "servers of an upstream",
    "gateway/upstream/pool.py": "open connections to a server",
    "gateway/upstream/server.py": "tasks under way",
    "gateway/upstream/upstream.py": "servers of an upstream",
    "gateway/upstream/adaptive_concurrency.py": "requests that wait for a response, at most max_connections",
    "gateway/xds/server.py": "open streams, one or two of each Envoy",
    "plugins/cache.py": "one body up to `max`; places of generations, at most `entries`; writes under way",
    "plugins/cache_flights.py": "requests under way",
}
"""Modules whose objects have collections that are no caches, and what bounds these."""


OF_EXTRAS = {
    "gateway.acme.account",
    "gateway.acme.authority",
    "gateway.acme.challenges",
    "gateway.ext_authz.authorization",
    "gateway.ext_authz.check_messages",
    "gateway.ext_authz.connection",
    "gateway.ext_authz.listener",
}
"""Modules of packages that need not be installed."""


def used_makers(path: Path) -> Iterator[str]:
    """The names of cache makers that a module imports."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.name in MAKERS)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in MODULES:
            yield from {node.attr} & MAKERS


def all_bounds() -> list[CacheBound]:
    """Every bound, with all modules imported: each registers its caches then."""
    for path in sources():
        if path.name != "__main__.py":
            with suppress(ModuleNotFoundError) if module_name(path) in OF_EXTRAS else nullcontext():
                importlib.import_module(module_name(path))
    return list(BOUNDS.values())


def test_no_cache_is_made_past_the_registry() -> None:
    assert [str(path) for path in sources() if set(used_makers(path))] == ["gateway/runtime/caches.py"]


def collections_of(path: Path) -> Iterator[str]:
    """Where objects or the module of a file have a collection that begins empty."""
    tree = tree_of(path)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == "__init__":
            for node in ast.walk(function):
                if isinstance(node, ast.Assign | ast.AnnAssign) and _begins_empty(node.value):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    yield from (f"{path}:{one.attr}" for one in targets if isinstance(one, ast.Attribute))


def _begins_empty(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict):
        return not value.keys
    if not isinstance(value, ast.Call):
        return False
    function = value.func.value if isinstance(value.func, ast.Subscript) else value.func
    return isinstance(function, ast.Name) and function.id in COLLECTIONS


def test_every_module_with_a_collection_that_could_grow_has_a_bound() -> None:
    """It registers a cache, or stands above with what bounds it."""
    registered = {module_path(bound.module) for bound in all_bounds()}
    found = {str(path) for path in sources() if any(collections_of(path))}
    # Whoever makes one registers it.
    classes = {"gateway/store/tracked_cache.py", "gateway/runtime/recent_cache.py"}
    assert sorted(found - registered - BOUNDED_OTHERWISE.keys() - classes) == []


def module_path(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def row(bound: CacheBound) -> str:
    """The documentation's row of a cache."""
    key = f"{bound.key_bytes:,}" if bound.key_bytes else "fixed"
    size = (
        f"{bound.total_bytes // MIB} MiB" if bound.total_bytes >= MIB else f"{bound.total_bytes // KIB} KiB"
    )
    return f"| {bound.name} | `{bound.file}` | {bound.entries:,} | {key} | {size} |"


def test_the_documentation_lists_every_registered_cache_with_its_bound() -> None:
    rows = {line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "| `" in line}
    assert sorted(rows) == sorted(row(bound) for bound in all_bounds())
