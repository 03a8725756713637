# The image of a Bento, for `make image`, `bentoml containerize`, and `docker build` in an unpacked Bento.
# A release passes its commit: --build-arg REVISION=... The base is that of the steps' images.
ARG BASE=python:3.11-slim-bookworm@sha256:0bee7276f83efd4a1ee05bbbf4281d95ed28e079220a9457f25a93e3f1e3c31b

FROM ${BASE} AS build
# pip's index and certificates, for builds behind a proxy; they don't enter the image.
ARG PIP_INDEX_URL PIP_CERT
WORKDIR /bento
COPY src/steps/serve/requirements.txt .
RUN python -m venv --without-pip /venv \
 && python -m pip --python /venv/bin/python install --no-cache-dir --no-compile --no-deps --require-hashes \
      -r requirements.txt \
 && rm requirements.txt
COPY bento.yaml ./
COPY src src
# Bytecode of everything that start-up imports, for a read-only root; this also proves that no module is missing.
RUN cd src && BENTOML_HOME=/tmp /venv/bin/python -c "import steps.serve.service, steps.serve.bento_worker, steps.serve.http.connections, uvicorn.lifespan.on"

FROM ${BASE}
ARG VERSION=unknown REVISION=unknown
LABEL org.opencontainers.image.title="PR Sentinel" \
      org.opencontainers.image.description="Scores how unusual pull requests are, and explains why." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing installs packages at run time.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
      /usr/lib/python3/dist-packages/pip* /usr/lib/python3*/ensurepip /usr/share/python-wheels /usr/bin/pip*
COPY --from=build /venv /venv
COPY --from=build /bento /bento
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    BENTOML_HOME=/tmp/bentoml BENTOML_CONTAINERIZED=true BENTOML_DO_NOT_TRACK=True
WORKDIR /bento/src
USER 65532:65532
EXPOSE 3000
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "steps.serve.bento_worker", "--host", "0.0.0.0"]
