# One image for every service of docker-compose.yml: the program, its locked packages, and the system programs
# that reading needs. It runs as an ordinary user and never writes to its own files, so the root may be read-only.
#
# Written with the plainest instructions (no mounts, no heredocs): scripts/chroot_image.sh runs the same steps where
# there is no container engine.

# 1. Build: packages are taken by digest, into an environment that is copied as a whole.
FROM python:3.11.15-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements/run.txt requirements/dev.txt requirements/
RUN python3 -m venv /opt/sohoa \
    && /opt/sohoa/bin/python -m pip install --quiet --only-binary=:all: --require-hashes -r requirements/run.txt
# What makes a wheel of our own code stands in the requirements of development, with digests; it stays in this stage.
RUN awk '/^[a-z0-9]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
        requirements/dev.txt > requirements/build.txt \
    && python3 -m venv /opt/build \
    && /opt/build/bin/python -m pip install --quiet --only-binary=:all: --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY archive archive
COPY console console
COPY ingest ingest
COPY ocr ocr
COPY retention retention
COPY search_api search_api
RUN /opt/build/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/sohoa/bin/python -m pip install --quiet --no-deps --no-index /wheels/sohoa-*.whl

# 2. Run: no compiler, no package index, no source tree.
FROM python:3.11.15-slim-bookworm AS run
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        bubblewrap \
        fonts-liberation2 \
        tesseract-ocr \
        tesseract-ocr-osd \
        tesseract-ocr-vie \
    && rm -rf /var/lib/apt/lists/*
# Volumes take over owner and content of these folders when they are first made.
RUN groupadd --gid 10001 sohoa \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/sohoa --no-create-home --shell /usr/sbin/nologin sohoa \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/sohoa /var/lib/sohoa/uploads /run/sohoa-keys /scratch
COPY --from=build /opt/sohoa /opt/sohoa
ENV PATH=/opt/sohoa/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LANG=C.UTF-8 \
    SOHOA_HOME=/var/lib/sohoa \
    INGEST_SCRATCH=/scratch
WORKDIR /var/lib/sohoa
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["sohoa"]
CMD ["--help"]
