# From now on everything that sudo starts sees a clock that can be moved: /etc/faketimerc says by how
# much. The machine's own clock, which all containers share, stays: so do dockerd's and sshd's.
set -e
library=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
if [ ! -e $library ]; then
  apt-get update
  apt-get install -y --no-install-recommends libfaketime
  library=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
fi
cat > /etc/faketime.env <<END
LD_PRELOAD=$library
FAKETIME_NO_CACHE=1
FAKETIME_DONT_FAKE_MONOTONIC=1
END
echo 'Defaults env_file=/etc/faketime.env' > /etc/sudoers.d/faketime
