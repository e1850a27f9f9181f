# One image for every service; compose chooses what it runs. Node runs the TypeScript as it is: there is no build step.
FROM node:26-slim AS dependencies
WORKDIR /app
# Only what decides the dependencies, so that a change of code keeps this layer.
COPY package.json package-lock.json ./
COPY apps/avisos/package.json apps/avisos/
COPY apps/consolidado/package.json apps/consolidado/
COPY apps/entregas/package.json apps/entregas/
COPY apps/lancamentos/package.json apps/lancamentos/
COPY apps/tudo/package.json apps/tudo/
COPY drizzle/package.json drizzle/
COPY shared/package.json shared/
COPY tests/package.json tests/
# The workspaces stay symlinks: Node strips no types below node_modules, and it judges by the real path.
# A third of the packages' bytes are declarations, sources and source maps: nothing reads them here.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules -type f \( -name '*.map' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete
# The document of the API and what its page needs of Swagger UI (shared/http/docs.ts), for nginx.
COPY docs/openapi.json /files/
RUN mkdir /files/docs \
 && cd node_modules/swagger-ui-dist \
 && cp swagger-ui.css swagger-ui-bundle.js favicon-32x32.png /files/docs \
 && gzip -9 --keep /files/*.json /files/docs/*.css /files/docs/*.js

# nginx, with these files: it serves them from disk.
FROM nginx:1.30-trixie AS nginx
COPY --from=dependencies /files /usr/share/fluxo

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY deploy/compose/health.mjs deploy/compose/
COPY docs/openapi.json docs/
COPY scripts scripts
COPY drizzle drizzle
COPY shared shared
COPY apps apps
# The code belongs to root: the process can read it and cannot change it. The cache is keyed by the user, so that user fills it.
RUN mkdir .compile-cache && chown node .compile-cache
USER node
# Every entry point is loaded once and its compiled code kept: a service starts in half the time and, since the parser that strips
# types is never loaded, with half the memory. Without an environment each ends right after loading.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN node scripts/migrate.ts --help >/dev/null \
 && for service in lancamentos consolidado entregas avisos; do \
      node "apps/$service/src/main.ts" 2>&1 | grep 'environment is not valid' || exit 1; \
    done
EXPOSE 3001 3002 3003 3004
HEALTHCHECK --interval=10s --timeout=20s --start-period=30s --retries=3 CMD ["node", "deploy/compose/health.mjs"]
# Node is process 1 and handles SIGTERM itself; npm in between would not pass it on.
CMD ["node", "apps/lancamentos/src/main.ts"]
