# docker build -t cartwright .
# It needs a PostgreSQL: set DATABASE_URL (docker-compose.yml does).
# Both stages start from the same plain Debian; the second one holds what runs, and nothing to build with.
FROM debian:bookworm AS build
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
        gcc libc6-dev cmake ninja-build pkg-config \
        libmicrohttpd-dev libpq-dev libjansson-dev libopenblas-dev libsodium-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libicu-dev \
    && rm -rf /var/lib/apt/lists/*
COPY . /src
WORKDIR /src
# The commit, for what the program says of itself; the image has no .git to ask.
ARG GIT=
RUN CARTWRIGHT_GIT=$GIT cmake --preset release \
    && CARTWRIGHT_GIT=$GIT cmake --build build/release --target cartwright

FROM debian:bookworm
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install \
        ca-certificates curl \
        libmicrohttpd12 libpq5 libjansson4 libopenblas0-pthread libsodium23 libcurl4 zlib1g libzstd1 libicu72 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 65532 cartwright \
    && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /var/lib/cartwright --shell /usr/sbin/nologin cartwright \
    && install -d -o 65532 -g 65532 /var/lib/cartwright
COPY --from=build /src/build/release/cartwright /usr/local/bin/cartwright
USER 65532:65532
WORKDIR /var/lib/cartwright
VOLUME /var/lib/cartwright
ENV OPENBLAS_NUM_THREADS=1
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["cartwright"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
