#!/bin/sh
# Makes the secrets that compose.yaml mounts, each once; those that are there stay. Run it in the folder deploy.
set -eu
umask 077
mkdir -p secrets
for name in control_key metrics_token influx_token influx_password grafana_password board_password; do
    if [ ! -s "secrets/$name" ]; then
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "secrets/$name"
        # the folder is closed to others; within a container each service runs as a user of its own
        chmod 0444 "secrets/$name"
        echo "made secrets/$name"
    fi
done
