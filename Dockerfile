# syntax=docker/dockerfile:1
FROM node:20-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM node:20-slim
# tini reaps children and hands SIGTERM to the worker; the certificates are for TLS to Temporal and to sources.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NIGHTTRAIN_HEALTH_PORT=9464 NIGHTTRAIN_HOME=/var/lib/nighttrain NIGHTTRAIN_INBOX=/inbox
COPY --from=build /app/package.json /app/README.md /app/LICENSE /app/CHANGELOG.md /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/bin /app/bin
COPY --from=build /app/data /app/data
COPY --from=build /app/dist /app/dist
RUN ln -s /app/bin/nighttrain.js /usr/local/bin/nighttrain \
  && install --directory --owner=node --group=node "$NIGHTTRAIN_HOME" "$NIGHTTRAIN_INBOX"
USER node
VOLUME /var/lib/nighttrain
# The project that this repository is, as JavaScript. Mount one of your own and make it the working folder.
WORKDIR /app/dist
ENTRYPOINT ["tini", "--", "nighttrain"]
CMD ["worker"]
# Of a worker. `doctor` would also try the providers of pages, every minute.
HEALTHCHECK --interval=1m --timeout=30s --start-period=1m --retries=3 CMD ["node", "-e", \
  "fetch(`http://127.0.0.1:${process.env.NIGHTTRAIN_HEALTH_PORT}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
