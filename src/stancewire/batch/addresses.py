"""Feeds by their address: fetched from public machines only, in bounded size and time.

An address in a list of feeds is written by others. Only http and https are spoken; the name is resolved once, refused where
any of its addresses is not public (RFC 6890), and the connection goes to the very address that was looked at, so that a
name cannot change its answer in between. The same holds for each redirection. Proxies of the environment are not used, as
behind them none of this could be said.
"""

from __future__ import annotations

import functools
import http.client
import ipaddress
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from stancewire.batch.decoding import read_bounded
from stancewire.batch.documents import entries
from stancewire.batch.items import Item, SetAside

SILENCE = 20
"""Seconds without an answer after which an address is given up."""

DEADLINE = 120
"""Seconds after which an address is given up, whatever it answers."""


def read_address(address: str) -> Iterator[Item]:
    """The items of a feed."""
    request = urllib.request.Request(address, headers={"User-Agent": "stancewire"})  # noqa: S310  see sources
    try:
        with _Fetch() as fetch, fetch.open(request) as answer:
            data = read_bounded(answer)
            if fetch.late:
                raise TimeoutError(f"no end after {DEADLINE} seconds")
    except (OSError, ValueError, http.client.HTTPException) as error:
        yield SetAside(address, "", f"cannot be fetched: {error or type(error).__name__}")
        return
    if re.match(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+)?html", data[:1024], re.I | re.S):
        yield SetAside(address, "", "a web page where a feed is expected; save the page and give the .html file")
    else:
        yield from entries(data, address)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet: not private, local, multicast or reserved."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_global and not (mapped or parsed).is_multicast


def _public_socket(host: str, port: int) -> socket.socket:
    """A connection to a host all of whose addresses are public.

    Raises:
        OSError: for a host that is not, or does not answer.
    """
    found = list(dict.fromkeys(info[4][:2] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    for address, _ in found:
        if not is_public(str(address)):
            raise OSError(f"{host} is {address}, which is no address of the public internet")
    for address, _ in found[:-1]:
        try:
            return socket.create_connection((str(address), port), SILENCE)
        except OSError:
            continue
    return socket.create_connection((str(found[-1][0]), port), SILENCE)


class _Fetch:
    """Opens requests, and cuts their connections when `DEADLINE` has passed; a context manager."""

    def __init__(self) -> None:
        self.late = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(DEADLINE, self._cut)
        handlers = _Http(self._connect), _Https(self._connect), _WebOnly()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)

    def __enter__(self) -> _Fetch:
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._timer.cancel()

    def open(self, request: urllib.request.Request) -> Any:
        return self._opener.open(request, timeout=SILENCE)

    def _connect(self, place: tuple[str, int], *_: object) -> socket.socket:
        if self.late:
            raise TimeoutError(f"no end after {DEADLINE} seconds")
        self._sockets.append(_public_socket(*place))
        return self._sockets[-1]

    def _cut(self) -> None:
        self.late = True
        for connection in self._sockets:
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)  # not that of TLS, which would wait for an answer
            except OSError:
                continue


class _Http(urllib.request.HTTPHandler):
    """Speaks http over the sockets it is given."""

    def __init__(self, connect: Any) -> None:
        super().__init__()
        self._connect = connect

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(functools.partial(_connection, http.client.HTTPConnection, self._connect), req)


class _Https(urllib.request.HTTPSHandler):
    """Speaks https over the sockets it is given."""

    def __init__(self, connect: Any) -> None:
        super().__init__()
        self._connect = connect

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(functools.partial(_connection, http.client.HTTPSConnection, self._connect), req)


def _connection(kind: type[http.client.HTTPConnection], connect: Any, host: str, **settings: Any) -> Any:
    connection = kind(host, **settings)
    connection._create_connection = connect  # type: ignore[attr-defined]  # the seam that http.client has for this
    return connection


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to another web address only: urllib would go to ftp as well."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not re.match(r"https?://", newurl):
            raise urllib.error.URLError(f"redirected to {newurl}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
