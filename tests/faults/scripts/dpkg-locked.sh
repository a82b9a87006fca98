# Has dpkg's lock for three seconds, as another package manager would.
python3 - > /dev/null 2>&1 <<'END' &
import fcntl, time
file = open("/var/lib/dpkg/lock-frontend", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(3)
END
sleep 0.3
