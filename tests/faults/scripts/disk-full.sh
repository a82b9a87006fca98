# Puts a tiny file system in the place of each that a deploy writes to, and fills it.
set -e
for place in /opt/generals /etc/faults /var/lib/provision; do
  mkdir -p /mnt/kept && cp -a $place/. /mnt/kept/
  mount -t tmpfs -o size=256k,mode=755 tmpfs $place
  cp -a /mnt/kept/. $place/ && rm -rf /mnt/kept
  head -c 1m /dev/zero > $place/filler 2> /dev/null || true
  mount -o remount,nr_inodes=$(($(df --output=iused $place | tail -1))) $place
done
mount -t tmpfs -o size=4k,mode=700 tmpfs /var/lib/docker/tmp
head -c 64k /dev/zero > /var/lib/docker/tmp/filler 2> /dev/null || true
