"""Forward authentication by gRPC: `envoy.service.auth.v3.Authorization`, which Envoy's ext_authz asks."""
