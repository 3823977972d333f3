# The proxy's image: built in one stage; the other takes over what it needs to run, and nothing else. The base of that may be another:
# with `--build-arg BASE=gcr.io/distroless/cc-debian12` there is neither a shell nor a package manager in the image.
ARG BASE=debian:bookworm-slim

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/build-page.mjs scripts/
COPY src src
RUN npm run build
# Anew from the lock file, without what only the build needed.
RUN npm ci --omit=dev
# For a volume: one that is mounted on /data belongs to the user below, and to group 0, in which OpenShift runs users of its own choice.
RUN install --directory --mode=0770 /folders/data

FROM ${BASE}
LABEL org.opencontainers.image.title="spec-forward-proxy" \
  org.opencontainers.image.description="A forward proxy for Statsig config specs: fetched once for every server SDK in the cluster." \
  org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
# glibc gives each thread a heap of its own otherwise: 500 specs of 1.43 MB took 27 MB more.
ENV MALLOC_ARENA_MAX=2
# What is at least so large goes back to the system as soon as it is freed. That is glibc's default, which it raises to 32 MB by itself
# unless it is set.
ENV MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /app
# Node alone: npm and yarn, which the base of the first stage has as well, have more findings than all that is needed here.
COPY --from=build /usr/local/bin/node /usr/local/bin/
COPY scripts/image/grpc-health-probe /usr/local/bin/
# Owned by root: the process can read its program and not change it. It writes no files but to --data-dir, so the root
# file system may be read-only.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY proto proto
# `local --data-dir /data` keeps specs in it.
COPY --from=build --chown=1000:0 /folders/ /
# By number: Kubernetes can tell from a number only that it is not root.
USER 1000:1000
# 8001, the admin port, listens on loopback inside the container unless SFP_ADMIN_HOST says otherwise.
EXPOSE 8000 8001 8443 50051 50052
# Sees variables, not arguments: where the port is not 8000, set SFP_HTTP_PORT instead of typing --http-port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["node", "/app/dist/main.js", "health"]
STOPSIGNAL SIGTERM
# Without a shell in between: SIGTERM reaches the proxy itself. Source maps cost 50 ms at the start: stacks name lines of src.
# Node 24 would let young objects take up to 192 MB, and what they hold outside of that as well: pieces of bodies, which are garbage
# until the young objects are looked through. With 16, 500 specs of 1.43 MB took 14 MB more than with 4; with 2 they took 6 MB less, and
# requests beside the fast lane a fifth more CPU.
ENTRYPOINT ["node", "--enable-source-maps", "--max-semi-space-size=4", "/app/dist/main.js"]
