# One container is enough for a trial: without DATABASE_URL the embedded PostgreSQL keeps its data in /data.
FROM python:3.13-slim AS build
RUN python -m venv /venv
COPY requirements-image.txt ./
# Only wheels with the hashes that `make hashes` wrote; nothing is built or resolved here.
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements-image.txt
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY config config
COPY modelhub modelhub
# Built by the setuptools of that file; nothing is downloaded.
RUN /venv/bin/pip install --no-cache-dir --no-index --no-deps --no-build-isolation . && \
    /venv/bin/pip uninstall --yes setuptools

FROM python:3.13-slim
# A new volume at /data gets the owner of this folder.
RUN useradd --system --uid 10001 --home-dir /nonexistent modelhub && install --directory --mode 700 --owner 10001 /data
COPY --from=build /venv /venv
# Nothing but /data is written at run time: the root file system may be read-only, with /tmp in memory.
# glibc keeps a heap per thread; two are enough.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144 \
    MODELHUB_DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["modelhub", "serve"]
