# The forty resources of site.yml, checked by hand: nine programs, each asked about all of its kind.
# Says what differs, and exits 1 if anything does.
r=/srv/bench
wrong=0
same() { [ "$2" = "$3" ] || { echo "$1: expected"; echo "$2"; echo "found"; echo "$3"; wrong=1; }; }

same groups 'bench
benchro' "$(getent group bench benchro | cut -d: -f1)"

same users 'bench:bench /srv/bench:/usr/sbin/nologin
benchro:benchro /srv/bench:/usr/sbin/nologin' "$(getent passwd bench benchro | while IFS=: read -r n _ _ g _ h s; do
  g=$(getent group "$g"); echo "$n:${g%%:*} $h:$s"; done)"

same paths "$(for d in bin cache conf data logs run spool tmp; do echo "750 bench:bench directory $r/$d"; done
for i in 1 2 3 4 5 6 7 8; do echo "640 root:bench regular file $r/conf/service-$i.conf"; done
for i in 1 2 3 4 5 6; do echo "640 root:bench regular file $r/conf/unit-$i.conf"; done
echo '644 root:root regular file /etc/environment.bench')" "$(
  stat -c '%a %U:%G %F %n' $r/bin $r/cache $r/conf $r/data $r/logs $r/run $r/spool $r/tmp \
    $r/conf/service-[1-8].conf $r/conf/unit-[1-6].conf /etc/environment.bench 2>&1)"

sha256sum --quiet -c - <<'SUMS' || wrong=1
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-1.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-2.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-3.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-4.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-5.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-6.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-7.conf
1b3a5febd1291840230d55d33822d3039c1197b31906f40a24ec169fbbae887d  /srv/bench/conf/service-8.conf
838e77bb707cd4d5b9938b8c072729e4c360eba3e554ec1b63e997c436a89936  /srv/bench/conf/unit-1.conf
593399218b3a1954c502546409d1d44f1ed577c2db43e570bc9644b5e06e4b64  /srv/bench/conf/unit-2.conf
50c1226345c88da5162b85d1970c2783063cb70bb4803a1a76a102e4a93e98df  /srv/bench/conf/unit-3.conf
b85f46d0685960d4f91aef0c54b9e0e726d8967c59e117f777fb5932c8623e03  /srv/bench/conf/unit-4.conf
bbac6c85d91304763a5f48aeec7f72e0b1c07431c642286ec11c1fc39f95126c  /srv/bench/conf/unit-5.conf
a92941d2ce61dd55d8ea5899444a84edc380c06b6bbe4bf2c0f8e328461d100c  /srv/bench/conf/unit-6.conf
SUMS

same links "$r/data
$r/logs" "$(readlink $r/current $r/log)"

same limits 4 "$(grep -cx -e memlock=unlimited -e nofile=65536 -e nproc=4096 -e stack=8192 /etc/environment.bench)"

same packages 'ii ii ii ii ' "$(dpkg-query -W -f '${db:Status-Abbrev}' ca-certificates iproute2 openssl procps 2>&1)"

same active 'active
active
active
active' "$(systemctl is-active ssh.service dbus.service systemd-journald.service systemd-logind.service)"
same enabled enabled "$(systemctl is-enabled ssh.service)"
exit $wrong
