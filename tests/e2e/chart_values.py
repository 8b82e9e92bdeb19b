"""Values of the Helm chart that tests render it with."""

from __future__ import annotations

from typing import Any

import yaml

from tests.project.imports import ROOT

EVERYTHING: dict[str, Any] = {
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "config": {
        "routes": [{"path": "/orders", "upstream": "http://orders:8080"}],
        "server": {"timeouts": {"idle": "60s"}},
    },
    "env": [{"name": "A", "value": "b"}],
    "envFrom": [{"configMapRef": {"name": "more"}}],
    "listen": {"https": {"enabled": True, "existingSecret": "api-tls"}, "http": {"port": 9000}},
    "shutdown": {"delaySeconds": 5, "drainSeconds": 40, "marginSeconds": 7},
    "service": {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "annotations": {"a": "b"}},
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"a": "b"},
        "tls": [{"hosts": ["api.example.org"], "secretName": "api-tls"}],
    },
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "ingress"}]},
    "networkPolicy": {
        "clients": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}],
        "egress": [{"ports": [{"port": 53, "protocol": "UDP"}]}],
    },
    "metrics": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "dashboard": {"enabled": True},
    },
    "serviceAccount": {"name": "api", "annotations": {"a": "b"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "api"},
    "podSecurityContext": {"fsGroup": 2000},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "edge", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "system-cluster-critical",
    "extraVolumes": [{"name": "keys", "secret": {"secretName": "keys"}}],
    "extraVolumeMounts": [{"name": "keys", "mountPath": "/run/keys"}],
}
FIXED: dict[str, Any] = {
    "autoscaling": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "existingSecret": "",
    "replicas": 3,
    "nameOverride": "edge",
}
PAGE = (ROOT / "docs" / "pages" / "operations" / "kubernetes.md").read_text()
OF_THE_PAGE = yaml.safe_load(PAGE.partition('```yaml title="values.yaml"\n')[2].partition("```")[0])
CHOICES = {"default": {}, "everything": EVERYTHING, "fixed": FIXED, "documentation": OF_THE_PAGE}
"""Each by a name for the test's report."""
