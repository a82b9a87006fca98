# Kills apt-get and dpkg half-way through a package.
for attempt in $(seq 200); do pgrep -x dpkg && break; sleep 0.02; done
pkill -KILL -x apt-get
pkill -KILL -x dpkg
pkill -KILL -f '[s]low-package.prerm'
