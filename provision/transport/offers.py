"""Which ways of logging in a server offers, seen from outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.errors import ProvisionError
from provision.transport.connection import prepare
from provision.transport.endpoint import Endpoint
from provision.transport.route import route_to

if TYPE_CHECKING:
    import paramiko


def offered_methods(endpoint: Endpoint) -> frozenset[str]:
    """Return the names of RFC 4252 and 4256: ``publickey``, ``password``, ``keyboard-interactive``.

    Nothing is tried: the question is the "none" request, which sshd does not count as a failure.

    Raises:
        UnreachableError: there is no answer.

    """
    from paramiko.auth_strategy import AuthSource, AuthStrategy
    from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType

    from provision.transport.explain import explain

    offered: set[str] = set()

    class Ask(AuthStrategy):
        def get_sources(self) -> Iterator[AuthSource]:
            return iter(())

        def authenticate(self, transport: paramiko.Transport) -> None:  # type: ignore[override]
            try:
                transport.auth_none(route[-1].user)
            except BadAuthenticationType as refusal:
                offered.update(refusal.allowed_types)
                raise

    route = route_to(endpoint)
    connection = prepare(endpoint.name, route)
    connection.connect_kwargs["auth_strategy"] = Ask(connection.ssh_config)
    try:
        connection.open()
    except AuthenticationException as error:
        if not offered:
            raise explain(endpoint, connection, error) from error
    except ProvisionError:
        raise
    except Exception as error:
        raise explain(endpoint, connection, error) from error
    finally:
        connection.close()
    return frozenset(offered)
