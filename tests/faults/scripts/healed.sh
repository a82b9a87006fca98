# Undoes every fault; what was written meanwhile stays, on a full disk, too.
iptables -F INPUT
iptables -F OUTPUT
rm -f /var/lib/generals/gates/* /etc/sudoers.d/faketime /etc/faketimerc
for place in /opt/generals /etc/faults /var/lib/provision; do
  mountpoint -q $place || continue
  rm -f $place/filler
  mkdir -p /mnt/kept && cp -a $place/. /mnt/kept/
  umount --lazy $place
  find $place -mindepth 1 -delete
  cp -a /mnt/kept/. $place/ && rm -rf /mnt/kept
done
if mountpoint -q /var/lib/docker/tmp; then umount --lazy /var/lib/docker/tmp; fi
systemctl reset-failed docker # which starts a few times a minute, and has been killed often
for unit in ssh.socket ssh docker; do systemctl start $unit; done
