#!/bin/sh
# The service's namespace, made when it is missing; closed workflows are kept for a week, as operators expect.
set -eu
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 168h
