# Makes a Debian host of the lab a STAND-IN for one of the Red Hat family: dnf and rpm are the real ones,
# as RHEL 9 and Amazon Linux 2023 have them (dnf 4); whatever else it is remains Debian's. Its Docker is
# Debian's, too: the packages that dnf installs in its name are empty.
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends dnf dnf-plugins-core rpm python3-systemd \
    docker.io docker-cli busybox-static

# What the lab's containers need as an image: a shell, and a few programs.
mkdir -p /tmp/tiny/bin /tmp/tiny/usr/bin
cp /usr/bin/busybox /tmp/tiny/bin/
for it in sh ls grep wc; do ln -sf busybox /tmp/tiny/bin/$it; done
tar -C /tmp/tiny -c . | docker import - tiny:1

# Debian's plugin offers what dnf has downloaded once more; the Red Hat family's dnf.conf.
rm -f /etc/dnf/plugins/local.conf /usr/lib/python3/dist-packages/dnf-plugins/local.py
cat >/etc/dnf/dnf.conf <<END
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
END
mkdir -p /etc/yum.repos.d /etc/dnf/vars
cat >/etc/yum.repos.d/os.repo <<END
[os]
name=what the distribution and EPEL would have
baseurl=http://packages.lab.test/os
gpgkey=http://packages.lab.test/gpgkey
END

# From here on, nothing finds apt or what dpkg has installed.
mv /usr/bin/apt-get /usr/bin/apt-get.debian
mv /var/lib/dpkg /var/lib/dpkg.debian
