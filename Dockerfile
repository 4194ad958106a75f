# The images of FlowForge, one target each: api, worker, starter, tests; and temporal, the development server with a
# folder that it may write. All run as a user without rights, 1000, so that they can share one volume.

ARG PYTHON_IMAGE=python:3.13-slim-trixie
# The version that flowforge/temporal/ways.py names.
ARG TEMPORAL_IMAGE=temporalio/temporal:1.5.1

FROM ${TEMPORAL_IMAGE} AS temporal
# The image's user cannot write a fresh volume, which belongs to root; unless the image has that folder: then the volume
# takes over the folder's owner.
USER root
RUN mkdir -p /data && chown 1000:1000 /data
USER 1000:1000
WORKDIR /data
EXPOSE 7233 8233

FROM ${PYTHON_IMAGE} AS python
ENV PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
RUN groupadd --gid 1000 flowforge \
    && useradd --uid 1000 --gid flowforge --create-home flowforge \
    && install -d -o flowforge -g flowforge /data
WORKDIR /app

# What changes seldom comes first: code alone does not make the requirements be installed anew.
FROM python AS requirements
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes -r requirements.txt

FROM requirements AS app
# In the folder that a volume keeps; DATABASE_URL wins.
ENV FLOWFORGE_DATA_DIR=/data \
    FLOWFORGE_DB_PATH=/data/flowforge.sqlite3
COPY main.py pyproject.toml ./
COPY flowforge ./flowforge
# The user cannot write here, so what Python would keep at the first start is made now.
RUN python -m compileall -q main.py flowforge
USER flowforge

FROM app AS api
EXPOSE 8000
# Whether the process lives: one whose Temporal is away is not ill. Compose, which waits for it, asks /ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-ISc", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python", "main.py", "api"]
CMD ["--host", "0.0.0.0"]

FROM app AS worker
# Whether Temporal sees this worker ask for work.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "flowforge.worker.health"]
ENTRYPOINT ["python", "main.py", "worker"]

FROM app AS starter
ENTRYPOINT ["python", "main.py", "starter"]

FROM requirements AS tests
COPY requirements-dev.txt ./
RUN --mount=type=cache,target=/root/.cache/pip pip install --require-hashes -r requirements-dev.txt
# Tests that start a Temporal or a Postgres of their own find them here.
COPY --from=temporal /usr/local/bin/temporal /usr/local/bin/temporal
COPY scripts/install-postgres.sh /usr/local/bin/install-postgres
RUN install-postgres && rm -rf /var/lib/apt/lists/*
RUN chown flowforge:flowforge /app
USER flowforge
COPY --chown=flowforge:flowforge . ./
CMD ["python", "-m", "pytest"]
