#!/bin/sh
# Waits for the services that this one needs, then becomes the command.
#
#   WAIT_FOR_SERVICES  "host:port host:port ..."; commas separate, too. Empty: nothing to wait for.
#   WAIT_TIMEOUT       seconds for all of them together, 60 unless told; then the exit status is 1.
#
# A service is there once it accepts connections. What that says about its health is for the command
# to find out, as it must whenever a service goes away later.
set -eu

say() {
    echo "entrypoint: $*" >&2
}

refuse() {
    say "$*"
    exit 2
}

wait_for() {
    said=
    until problem=$(generals-health "tcp://$1" 2>&1); do
        if [ "$(date +%s)" -ge "$deadline" ]; then
            say "$1 is not there after $timeout s: $problem"
            exit 1
        fi
        [ -n "$said" ] || say "waiting for $1 (at most $timeout s)"
        said=yes
        sleep 1
    done
    [ -z "$said" ] || say "$1 is there"
}

check_address() {
    host=${1%:*} port=${1##*:}
    case $host/$port in
        "$1"/* | */*/* | /* | */ | */*[!0-9]*)
            refuse "WAIT_FOR_SERVICES names '$1'; it must be host:port"
            ;;
    esac
}

[ $# -gt 0 ] || refuse "no command to run"
timeout=${WAIT_TIMEOUT:-60}
case $timeout in
    *[!0-9]* | 0?*) refuse "WAIT_TIMEOUT is '$timeout'; it must be a whole number of seconds" ;;
esac
set -f # a `*` in the list is no pattern of file names
services=$(echo "${WAIT_FOR_SERVICES:-}" | tr ',' ' ')
for service in $services; do
    check_address "$service"
done

# As the first process of a container a shell ignores SIGTERM unless it says otherwise.
trap 'exit 143' TERM
trap 'exit 130' INT
deadline=$(($(date +%s) + timeout))
for service in $services; do
    wait_for "$service"
done
trap - TERM INT
exec "$@"
