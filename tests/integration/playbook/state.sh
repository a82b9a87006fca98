# Prints what a playbook may have changed, without what differs between any two hosts: when a crontab
# was installed, and what Ansible leaves behind for itself.
for place in /srv/parity /home /etc/sudoers.d /etc/cron.d /etc/systemd/system /var/spool/cron; do
  find $place -name .ansible -prune -o -printf '%p %y %m %u %g %l\n'
done | sort
find /srv/parity /etc/sudoers.d /etc/cron.d /etc/profile /etc/systemd/system/parity.service \
  -type f -exec sha256sum {} + | sort -k 2
for user in root ada; do crontab -l -u $user | grep -v '^# ('; done
getent passwd | sort; getent group | sort; sort /etc/shadow /etc/gshadow
theirs='python3-apt|python-apt-common|distro-info-data'
dpkg --get-selections | grep -Ev "$theirs"
apt-mark showmanual | grep -Ev "$theirs"
for unit in cron parity apt-daily.timer; do systemctl is-enabled $unit; systemctl is-active $unit; done
ls /etc/motd
cat /srv/parity/told /srv/parity/app.conf /srv/parity/lines /srv/parity/environment
