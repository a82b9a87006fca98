# Installs a package that is not gone before its gate is open.
set -e
if [ ! -e /srv/slow.deb ]; then
  mkdir -p /srv/slow/DEBIAN
  cat > /srv/slow/DEBIAN/control <<'END'
Package: slow-package
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: slow
END
  cat > /srv/slow/DEBIAN/prerm <<'END'
#!/bin/sh
while [ -e /var/lib/generals/gates/hold-dpkg ]; do sleep 0.05; done
END
  chmod 755 /srv/slow/DEBIAN/prerm
  dpkg-deb -b /srv/slow /srv/slow.deb
fi
dpkg -i /srv/slow.deb
