# What a deploy is to leave behind, without what differs between two runs of the same: times, ids of
# runs and containers.
cd /
places='opt/generals etc/docker etc/faults'
find $places -printf '%p %y %m %u %g %l\n' | sort
find $places -type f ! -name manifest.json -exec sha256sum {} + | sort -k 2
for each in opt/generals/*/releases/*/manifest.json; do
  python3 - $each <<'END'
import json, sys
manifest = json.load(open(sys.argv[1]))
kept = {name: it for name, it in manifest.items() if name not in ("by", "created", "run")}
print(json.dumps(kept, sort_keys=True))
END
done
docker ps --all --format '{{.Names}} {{.Image}} {{.Label "io.provision.spec"}} {{.State}}'
docker ps --quiet | xargs -r docker inspect -f '{{.State.Health.Status}}'
docker network ls --format '{{.Name}}' | sort
dpkg --audit
dpkg-query -W slow-package 2>/dev/null
ls -A /var/lib/provision/pending-handlers 2>/dev/null
find / -xdev \( -path /proc -o -path /sys \) -prune -o -name '.*.provision-*' -print
flock --nonblock /run/provision/lock echo nobody has the lock
cat /run/provision/lock
