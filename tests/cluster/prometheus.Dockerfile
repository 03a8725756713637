ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
COPY prometheus /usr/local/bin/
USER 65532:65532
