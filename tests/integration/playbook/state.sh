# Prints what a playbook may have changed, without what differs between any two hosts.
for place in /srv/parity /home /etc/sudoers.d /etc/cron.d /etc/systemd/system /var/spool/cron; do
  find $place -printf '%p %y %m %u %g %l\n'
done | sort
find /srv/parity /etc/sudoers.d /etc/cron.d /etc/profile /etc/systemd/system/parity.service /var/spool/cron \
  -type f -exec sha256sum {} + | sort -k 2
getent passwd | sort; getent group | sort; sort /etc/shadow /etc/gshadow
dpkg --get-selections
apt-mark showmanual
for unit in cron parity apt-daily.timer; do systemctl is-enabled $unit; systemctl is-active $unit; done
ls /etc/motd
cat /srv/parity/told /srv/parity/app.conf /srv/parity/lines /srv/parity/environment
