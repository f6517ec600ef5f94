FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    RBAC_DATA_DIR=/data \
    PORT=8000

WORKDIR /app
COPY requirements/runtime.txt requirements/runtime.txt
RUN pip install --require-hashes -r requirements/runtime.txt
COPY . .
RUN python -m compileall -q . \
    && useradd --system --uid 10001 --home-dir /nonexistent --no-create-home rbac \
    && install -d -o rbac -g rbac -m 0700 /data

USER 10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/-/health/ready/\", timeout=2)"]
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 && python manage.py bootstrap && exec python manage.py serve"]
