# The server without a database of its own: DATABASE_URL names one (docker-compose.yml brings it).
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md ./
# An editable install of no packages: only the dependencies, pinned.
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt --editable .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /nonexistent modelhub
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py pyproject.toml ./
COPY config config
COPY modelhub modelhub
# Nothing is written at run time: the root file system may be read-only. glibc keeps a heap per thread; two are enough.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144 \
    MODELHUB_PRODUCTION=true \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=2)"]
CMD ["python", "manage.py", "serve"]
