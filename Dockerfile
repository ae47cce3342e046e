# An image of the operator, for `operator install --image` and the chart's `image.hasOperator`. Nobody needs one: see docs/operator.md.
#   npm run build && docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/dask-operator:VERSION --push .
FROM --platform=$BUILDPLATFORM docker.io/library/node:24-alpine AS unpack
WORKDIR /unpack
COPY dist/operator.mjs.br ./
RUN ["node", "-e", "const [f,z]=['node:fs','node:zlib'].map(process.getBuiltinModule);f.writeFileSync('operator.mjs',z.brotliDecompressSync(f.readFileSync('operator.mjs.br')))"]

FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=unpack /unpack/operator.mjs /opt/dask-operator/operator.mjs
COPY LICENSE dist/THIRD-PARTY-LICENSES /opt/dask-operator/
USER 1000:1000
EXPOSE 8080
ENTRYPOINT ["/nodejs/bin/node", "/opt/dask-operator/operator.mjs"]
