"""The lab's private registry: TLS by the lab's own authority, and a password."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from provision.errors import ProvisionError, UsageError
from provision.lab import machine
from provision.lab.archive import Entry, pack
from provision.lab.credentials import REGISTRY_USER, Credentials
from provision.lab.images import Images
from provision.lab.layout import CREDENTIALS_LABEL, REGISTRY_HOST, REGISTRY_PORT, Layout

if TYPE_CHECKING:
    from docker.models.containers import Container

START_TIMEOUT = 30.0
_REQUEST_TIMEOUT = 5.0
_USER_ID = 10001
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """The registry of one lab, as this machine sees it: on loopback."""

    def __init__(self, images: Images, layout: Layout, credentials: Credentials) -> None:
        self.images = images
        self.client = images.client
        self.layout = layout
        self.credentials = credentials

    def ensure(self, image: str) -> None:
        """Run the registry from ``image``, unless it runs; return once it answers."""
        name = self.layout.registry_container
        found = self.client.containers.list(all=True, filters={"name": f"^{name}$"})
        if found and found[0].labels.get(CREDENTIALS_LABEL) != self.credentials.fingerprint():
            found.pop().remove(force=True)
        if not found:
            self._create(image).start()
        elif found[0].status != "running":
            found[0].start()
        self._wait()

    def _create(self, image: str) -> Container:
        port = self.layout.ports
        if not machine.port_is_free(port):
            raise UsageError(
                f"port {port} of this machine is taken, so the lab's registry cannot have it",
                hint=f"see who has it: ss -ltnp 'sport = :{port}'",
            )
        name = self.layout.registry_container
        self.client.volumes.create(name, labels=self.layout.labels)
        api = self.client.api
        endpoint = api.create_endpoint_config(
            aliases=[REGISTRY_HOST], ipv4_address=str(self.layout.registry_address)
        )
        created = api.create_container(
            image,
            name=name,
            labels={**self.layout.labels, CREDENTIALS_LABEL: self.credentials.fingerprint()},
            ports=[REGISTRY_PORT],
            volumes=["/var/lib/registry"],
            host_config=api.create_host_config(
                binds=[f"{name}:/var/lib/registry"],
                port_bindings={REGISTRY_PORT: ("127.0.0.1", port)},
                restart_policy={"Name": "unless-stopped"},
            ),
            networking_config={"EndpointsConfig": {self.layout.name: endpoint}},
        )
        container = self.client.containers.get(created["Id"])
        container.put_archive("/etc/lab-registry", self._files())
        return container

    def _files(self) -> bytes:
        files = {
            "registry.crt": self.credentials.registry_certificate.read_bytes(),
            "registry.key": self.credentials.registry_key.read_bytes(),
            "htpasswd": _htpasswd(self.credentials.password("registry")),
        }
        return pack({name: Entry(text, 0o400, _USER_ID) for name, text in files.items()})

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                return self._request("GET", "").close()
            except OSError as error:
                if time.monotonic() > deadline:
                    name = self.layout.registry_container
                    raise ProvisionError(
                        f"the lab's registry does not answer: {error}",
                        hint=f"its own words: docker logs {name}",
                    ) from None
            time.sleep(0.1)

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest of what the registry has under this tag, or None."""
        try:
            with self._request("HEAD", f"{repository}/manifests/{tag}") as answer:
                return answer.headers.get("Docker-Content-Digest")
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return None
            raise

    def _request(self, method: str, path: str) -> http.client.HTTPResponse:
        login = f"{REGISTRY_USER}:{self.credentials.password('registry')}".encode()
        request = urllib.request.Request(
            f"https://{self.layout.registry_on_machine}/v2/{path}",
            method=method,
            headers={
                "Accept": _MANIFEST,
                "Authorization": f"Basic {base64.b64encode(login).decode()}",
            },
        )
        trust = ssl.create_default_context(cafile=str(self.credentials.ca))
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        answer: http.client.HTTPResponse = direct.open(request, timeout=_REQUEST_TIMEOUT)
        return answer

    def push(self, image: str, repository: str, tag: str) -> bool:
        """Put the local ``image`` into the registry; return False when it was there already."""
        name = f"{self.layout.registry_on_machine}/{repository}"
        there = self.digest(repository, tag)
        local = self.client.images.get(image)
        if there and f"{name}@{there}" in local.attrs.get("RepoDigests", []):
            return False
        local.tag(name, tag)
        login = {"username": REGISTRY_USER, "password": self.credentials.password("registry")}
        for line in self.client.api.push(name, tag, auth_config=login, stream=True, decode=True):
            if "error" in line:
                raise ProvisionError(f"pushing {repository}:{tag} failed: {line['error']}")
        self.images.forget_older(name, image)
        return True


def _htpasswd(password: str) -> bytes:
    import bcrypt

    # The password is random and long: the least costly hash is as good as any other, and the
    # registry computes it on every request.
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
    return f"{REGISTRY_USER}:{hashed}\n".encode()
