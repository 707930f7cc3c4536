#!/bin/sh
# Entry of the image: a millstream command, or `healthy`, which asks the worker in this container how it is, or
# `healthy board`, the board.
set -eu

if [ "${1:-}" = healthy ]; then
    exec python -c '
import os, ssl, sys, urllib.request
names = ("BOARD_CERT", "BOARD_PORT", "8091") if sys.argv[1:] == ["board"] else ("METRICS_CERT", "PORT", "8090")
scheme = "https" if os.environ.get("MILLSTREAM_" + names[0]) else "http"
port = os.environ.get("MILLSTREAM_" + names[1], names[2])
# the certificate is for the host that others know, not for this loopback address
url = f"{scheme}://127.0.0.1:{port}/healthz"
try:
    urllib.request.urlopen(url, timeout=4, context=ssl._create_unverified_context())
except OSError as error:
    sys.exit(f"{url}: {error}")
' ${2:+"$2"}
fi

# The root may be read-only: kernels compiled with the image are put where numba may also add to them.
export NUMBA_CACHE_DIR="${NUMBA_CACHE_DIR:-${TMPDIR:-/tmp}/millstream-kernels}"
if [ -d /opt/millstream/kernels ] && [ ! -d "$NUMBA_CACHE_DIR" ]; then
    cp -R /opt/millstream/kernels "$NUMBA_CACHE_DIR"
fi
exec millstream "$@"
