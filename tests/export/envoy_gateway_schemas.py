"""What Envoy Gateway accepts of the resources that are exported, by its API v1alpha1.

Only fields that the export uses are here, so that a misspelt one is refused, and so is a value that Envoy
Gateway's own validation would refuse.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
TRUTH: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 4294967295}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
DURATION: Schema = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
QUANTITY: Schema = {"type": "string", "pattern": "^[1-9][0-9]*([EPTGMK]i|[EPTGMk])?$"}
HOSTNAME: Schema = {
    "type": "string",
    "maxLength": 253,
    "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
}
STATUS: Schema = {"type": "integer", "minimum": 100, "maximum": 599}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def many(items: Schema, most: int = 64) -> Schema:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def fields(*required: str, **known: Schema) -> Schema:
    return {
        "type": "object",
        "properties": known,
        "required": list(required),
        "additionalProperties": False,
    }


ROUTES = one_of("HTTPRoute", "GRPCRoute")
GATEWAY_API = one_of("gateway.networking.k8s.io")
SELECTORS = many(
    fields(
        "kind",
        group=GATEWAY_API,
        kind=ROUTES,
        matchLabels={"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}},
    )
)
GATEWAY_TARGETS = many(
    fields("group", "kind", "name", group=GATEWAY_API, kind=one_of("Gateway"), name=TEXT, sectionName=TEXT),
    16,
)
SERVICES = many(
    fields("kind", "name", "port", group=one_of(""), kind=one_of("Service"), name=TEXT, port=PORT)
)
REFERENCE = fields("kind", "name", group=one_of(""), kind=one_of("Secret", "ConfigMap"), name=TEXT)

SPECS: dict[str, Schema] = {
    "SecurityPolicy": fields(
        "targetSelectors",
        targetSelectors=SELECTORS,
        extAuth=fields(
            "http",
            http=fields("backendRefs", backendRefs=SERVICES, path=TEXT, headersToBackend=many(TEXT)),
            headersToExtAuth=many(TEXT),
            failOpen=TRUTH,
            recomputeRoute=TRUTH,
        ),
    ),
    "ClientTrafficPolicy": fields(
        "targetRefs",
        targetRefs=GATEWAY_TARGETS,
        path=fields(
            escapedSlashesAction=one_of(
                "KeepUnchanged", "RejectRequest", "UnescapeForward", "UnescapeRedirect"
            ),
            disableMergeSlashes=TRUTH,
        ),
        headers=fields(
            withUnderscoresAction=one_of("Allow", "RejectRequest", "DropHeader"),
            earlyRequestHeaders=fields(
                set=many(fields("name", "value", name=TEXT, value=TEXT)), remove=many(TEXT)
            ),
            xForwardedClientCert=fields(
                mode=one_of("Sanitize", "ForwardOnly", "AppendForward", "SanitizeSet", "AlwaysForwardOnly"),
                certDetailsToAdd=many(one_of("Subject", "Cert", "Chain", "DNS", "URI"), 5),
            ),
        ),
        timeout=fields(http=fields(idleTimeout=DURATION, streamIdleTimeout=DURATION)),
        connection=fields(bufferLimit=QUANTITY, connectionLimit=fields("value", value=PORT | NUMBER)),
        http2=fields(
            maxConcurrentStreams=NUMBER,
            initialStreamWindowSize=QUANTITY,
            initialConnectionWindowSize=QUANTITY,
        ),
        http3=fields(),
        proxyProtocol=fields(optional=TRUTH),
        tls=fields(clientValidation=fields(optional=TRUTH, caCertificateRefs=many(REFERENCE, 8))),
    ),
    "BackendTrafficPolicy": fields(
        "targetSelectors",
        targetSelectors=SELECTORS,
        loadBalancer=fields(
            "type", type=one_of("LeastRequest", "RoundRobin"), slowStart=fields("window", window=DURATION)
        ),
        timeout=fields(
            tcp=fields(connectTimeout=DURATION),
            http=fields(requestTimeout=DURATION, connectionIdleTimeout=DURATION),
        ),
        retry=fields(
            numRetries=NUMBER,
            retryOn=fields(
                triggers=many(one_of("reset", "connect-failure", "refused-stream", "retriable-status-codes")),
                httpStatusCodes=many(STATUS),
            ),
        ),
        circuitBreaker=fields(maxConnections=NUMBER, maxPendingRequests=NUMBER, maxParallelRequests=NUMBER),
        healthCheck=fields(
            panicThreshold={"type": "integer", "minimum": 0, "maximum": 100},
            passive=fields(
                splitExternalLocalOriginErrors=TRUTH,
                consecutiveLocalOriginFailures=NUMBER,
                consecutive5XxErrors=NUMBER,
                consecutiveGatewayErrors=NUMBER,
                baseEjectionTime=DURATION,
                maxEjectionPercent=NUMBER,
            ),
            active=fields(
                "type",
                type=one_of("HTTP", "GRPC"),
                interval=DURATION,
                timeout=DURATION,
                unhealthyThreshold=PORT,
                healthyThreshold=PORT,
                http=fields(
                    "path",
                    path={"type": "string", "minLength": 1, "maxLength": 1024},
                    method=TEXT,
                    expectedStatuses=many(STATUS, 500),
                    expectedResponse=fields("type", "text", type=one_of("Text"), text=TEXT),
                ),
            ),
        ),
    ),
    "Backend": fields(
        "endpoints",
        endpoints=many(
            {
                "oneOf": [
                    fields("fqdn", fqdn=fields("hostname", "port", hostname=HOSTNAME, port=PORT)),
                    fields("ip", ip=fields("address", "port", address=TEXT, port=PORT)),
                ]
            }
        ),
        appProtocols=many(one_of("gateway.envoyproxy.io/h2c")),
        tls=fields(insecureSkipVerify=TRUTH),
    ),
    "HTTPRouteFilter": fields(
        urlRewrite=fields(
            "path",
            path=fields(
                "type",
                "replaceRegexMatch",
                type=one_of("ReplaceRegexMatch"),
                replaceRegexMatch=fields(
                    "pattern", "substitution", pattern=TEXT, substitution={"type": "string"}
                ),
            ),
        ),
        directResponse=fields(statusCode=STATUS),
    ),
}
