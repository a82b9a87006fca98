# Has dpkg's lock for three seconds, as another package manager would.
python3 - > /dev/null 2>&1 <<'END' &
import fcntl, time, pathlib
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
pathlib.Path("/run/dpkg-locked").touch()
time.sleep(3)
END
for attempt in $(seq 100); do [ -e /run/dpkg-locked ] && break; sleep 0.1; done
rm -f /run/dpkg-locked
