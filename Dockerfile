# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
# `docker build --build-arg COMPILED=true .` makes an image of the compiled edition.
ARG COMPILED=
WORKDIR /build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# First what seldom changes: the packages of others, in the versions and with the hashes that are locked.
COPY requirements requirements
RUN python -m venv /opt/gatepost \
    && /opt/gatepost/bin/pip install --require-hashes -r requirements/run.txt \
    && pip install --require-hashes -r requirements/build.txt
RUN if [ -n "$COMPILED" ]; then \
        apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
        && pip install --require-hashes -r requirements/run.txt -r requirements/compile.txt; \
    fi
COPY pyproject.toml README.md LICENSE gateway.yaml ./
COPY scripts/compile.py scripts/compiled.toml scripts/
COPY gateway gateway
COPY plugins plugins
RUN HATCH_BUILD_HOOK_ENABLE_CUSTOM="$COMPILED" pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/gatepost/bin/pip install --no-deps --no-index dist/gatepost-*.whl \
    && /opt/gatepost/bin/pip check
# Keeps what the first start compiles from text: nobody may write there later.
RUN /opt/gatepost/bin/gatepost demo --help

FROM python:3.13-slim
LABEL org.opencontainers.image.title="Gatepost" \
      org.opencontainers.image.description="An API gateway with its own OAuth 2 token server" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --home-dir /srv/gatepost --shell /usr/sbin/nologin gatepost \
    && install --directory --owner=gatepost --group=gatepost --mode=0700 /srv/gatepost/.gatepost
COPY --from=build /opt/gatepost /opt/gatepost
COPY gateway.yaml /srv/gatepost/gateway.yaml
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /srv/gatepost
# By number: so that an orchestrator can see that it is not root.
USER 10001
VOLUME /srv/gatepost/.gatepost
# The gateway without and with TLS; 9280 is for health and metrics, not for the public.
EXPOSE 8280 8243 9280
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9280/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["gatepost", "run", "-c", "/srv/gatepost/gateway.yaml"]
