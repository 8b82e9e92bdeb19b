"""What no single key can tell: whether the keys go together. Each check is a rule without I/O of its own."""

from __future__ import annotations

from gateway.config.checks import (
    certificates,
    clients,
    issuers,
    lifetimes,
    listeners,
    portal,
    routes,
    tiers,
    upstreams,
)
from gateway.config.checks.finding import Check

ALL: tuple[Check, ...] = (
    listeners.ports_once,
    listeners.tls_files_there,
    lifetimes.within_longest,
    lifetimes.renewal_before_end,
    clients.ids_once,
    clients.grants_known,
    clients.api_keys_once,
    issuers.issuers_differ,
    issuers.issuers_verifiable,
    issuers.client_ids_apart,
    issuers.signing_files_there,
    issuers.routes_name_known_ones,
    tiers.tiers_there,
    clients.credentials_there,
    clients.one_key_set,
    clients.certificates_seen,
    certificates.no_client_is_a_ca,
    upstreams.servers_once,
    upstreams.base_paths_alike,
    upstreams.tls_files_there,
    upstreams.all_has_effect,
    routes.upstreams_there,
    routes.canaries_differ,
    routes.none_twice,
    routes.endpoints_free,
    routes.open_means_open,
    portal.users_once,
)
