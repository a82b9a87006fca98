# Takes away all that a deploy has ever made here, other than Docker itself and its packages.
docker ps --all --quiet --filter label=com.docker.compose.project=generals-host | xargs -r docker rm --force
docker network ls --quiet --filter label=com.docker.compose.project=generals-host | xargs -r docker network rm
rm -rf /opt/generals /etc/faults /var/lib/provision /root/.docker/config.json
