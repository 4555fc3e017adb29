#!/bin/sh
# Run the message broker; put its log of messages aside where the server cannot read it.
#
# The relay sends every message again, so a start without the log loses no order, while a broker
# that does not start stops trading.  The two newest logs that were put aside are kept.
set -u

# The password is read from standard input: arguments of processes can be read by other users.
# The user `sender` may put messages on the queue of `orders.submit`, and reads and removes none.
# The user `metrics` counts messages and reads Beat's schedule.
docker-entrypoint.sh valkey-server /etc/valkey/broker.conf - <<END &
requirepass "$REDISCLI_AUTH"
user sender on ">$BROKER_SENDER_PASSWORD" resetchannels ~celery ~celery??[369] ~_kombu.binding.celery ~_kombu.binding_permanent.celery +@connection -client +client|setinfo +client|setname +llen +lpush +sadd +smembers +multi +exec
user metrics on ">$BROKER_METRICS_PASSWORD" resetchannels ~* +@connection -client +client|setinfo +client|setname +llen +zrange +smembers +hmget +info
END
server=$!
trap 'kill -TERM "$server" 2>/dev/null' TERM INT

# A signal ends a wait early.
code=0
wait "$server" || code=$?
while kill -0 "$server" 2>/dev/null; do
    code=0
    wait "$server" || code=$?
done

# The server ends with 1 where it does not start; a killed one with more than 128.
if [ "$code" -eq 1 ] && [ -e appendonlydir ]; then
    aside="appendonlydir.damaged-$(date -u +%Y%m%dT%H%M%SZ)"
    rm -rf "$aside"
    mv appendonlydir "$aside"
    echo "The broker did not start; its log was put aside as $aside and the next start is empty." >&2
    # shellcheck disable=SC2012 # the names are made above
    ls -d appendonlydir.damaged-* | sort -r | tail -n +3 | xargs rm -rf
fi
exit "$code"
