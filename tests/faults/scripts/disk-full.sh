# Puts a tiny file system in the place of each that a deploy writes to, and fills it.
set -e
for place in /opt/generals /etc/faults /var/lib/provision; do
  # Made beside it, so that nobody sees it empty.
  full=/mnt/full && mkdir -p $full
  mount -t tmpfs -o size=256k,mode=755 tmpfs $full
  cp -a $place/. $full/
  head -c 1m /dev/zero > $full/filler 2> /dev/null || true
  mount -o remount,nr_inodes=$(($(df --output=iused $full | tail -1))) $full
  mount --bind $full $place && umount $full
done
mount -t tmpfs -o size=4k,mode=700 tmpfs /var/lib/docker/tmp
head -c 64k /dev/zero > /var/lib/docker/tmp/filler 2> /dev/null || true
