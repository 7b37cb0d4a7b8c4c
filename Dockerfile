# syntax=docker/dockerfile:1
# One image for API, worker and commands: the command says which. It holds no secret and no server of its own.

ARG PYTHON_IMAGE=python:3.11.17-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/proposals && python -m venv /opt/builder
# What is pinned changes seldom: this layer outlives most changes of the code.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN /opt/proposals/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/runtime.txt \
    && /opt/builder/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt
COPY . .
RUN /opt/builder/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist ./client . \
    && /opt/proposals/bin/python -m pip install --no-deps dist/*.whl \
    && /opt/proposals/bin/python -m pip uninstall --yes pip setuptools

FROM ${PYTHON_IMAGE}
ARG REVISION=unknown
LABEL org.opencontainers.image.title="proposals" \
      org.opencontainers.image.description="Durable advisory portfolio proposals" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
# A fixed number, so that volumes, policies and secrets can name the account.
RUN groupadd --gid 10001 proposals \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin proposals
COPY --from=build /opt/proposals /opt/proposals
ENV PATH=/opt/proposals/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    PROPOSAL_API_HOST=0.0.0.0 \
    PROPOSAL_LOG_FORMAT=json
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["proposals", "health", "api"]
ENTRYPOINT ["proposals"]
CMD ["api"]
