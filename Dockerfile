# The Interview Room API; docs/deployment.md says how to run it.
#
#     docker build -t interview-room-api .
#     docker run --read-only -p 8000:8000 --env-file .env interview-room-api
#
# Options of uvicorn can follow the image's name. PORT is the port.

# any image with Python 3.11 or newer and glibc
ARG BASE=docker.io/library/python:3.11-slim

FROM ${BASE} AS packages
RUN python3 -m venv /opt/venv
COPY requirements.lock /tmp/
# only wheels: nothing is compiled, and no package runs code of its own here
RUN /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes --only-binary=:all: -r /tmp/requirements.lock \
    && /opt/venv/bin/python -m pip uninstall --yes pip setuptools

FROM ${BASE}
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# any user may read it, whatever the builder's umask; and Python could not keep what it compiles on a read-only root
RUN chmod -R a+rX . && /opt/venv/bin/python -m compileall -q .
# SANDBOX=false: without keys the service says what is missing instead of emulating it
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 SANDBOX=false UVICORN_HOST=0.0.0.0
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "scripts/healthcheck.py"]
ENTRYPOINT ["python", "scripts/serve.py"]
