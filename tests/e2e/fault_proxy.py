#!/usr/bin/env python3
"""A TLS proxy between kubectl-backup and the API server that does what networks and servers do.

    from fault_proxy import FaultProxy

    with FaultProxy(self.environment) as proxy:     # wants KUBECONFIG, and kubectl in PATH
        proxy.latency = 0.05                        # seconds that each round trip takes longer
        proxy.throttle(20, retry_after=1)           # the next 20 requests: 429 with Retry-After
        proxy.expire_continue(1)                    # the next list that goes on: 410 Expired
        proxy.hang(2, path="/secrets")              # the next 2 lists of Secrets: no answer, ever
        proxy.cut_exec(100_000)                     # the next exec ends after that many bytes
        proxy.refuse(5)                             # no connection at all for 5 s
        self.backup("create", ..., environment=proxy.environment)      # has the proxy's KUBECONFIG
        self.assertEqual(20, proxy.count(status=429))

Every fault is `proxy.NAME(times, ..., path=REGEX, method=NAME)`; of those that match a request the
one added first is used, `times` times (None: always), the others wait. REGEX is searched in the
target with its query, "/api/v1/pods?limit=500". Faults add up; `proxy.clear()` forgets all.

    throttle(times, retry_after=1)    429, as priority-and-fairness answers; None: no Retry-After
    fail(times, status, reason="", message="", headers={})    any error, with a Status object
    expire_continue(times, resume=True)    410 for a continue token; resume: with the token that a
                                      server offers to go on at another resource version
    hang(times, seconds=None, lists_only=True)    reads the request, never answers; after `seconds`
                                      the connection ends
    delay(times, seconds)             answers later (latency is for all and for both directions)
    cut(times, after)                 the connection breaks after that many bytes of a response body
    cut_exec(after, times=1, direction="down")    the same for exec, attach and port-forward, once
                                      the protocol was switched; "down" counts what the server sent,
                                      "up" what the client sent. after: a number, or a function that
                                      is asked each time (random places)
    refuse(seconds=None)              refuses connections and breaks those that are; None: until
    accept()                          ... this
    break_connections()               breaks those that are, and takes new ones

    proxy.latency                     seconds, may change at any time, 0 at first
    proxy.kubeconfig, .environment    for clients; all act as the user of the kubeconfig given
    proxy.requests                    what came: method, target, status, fault (its name or None)
    proxy.count(path="", method=None, status=None, fault=None)    how many of them
    proxy.bytes_down, .bytes_up       bytes of bodies and streams that were passed on

A command line too, for benchmarks; runs a command, or until it is interrupted:

    tests/e2e/fault_proxy.py [--latency MILLISECONDS] [--throttle TIMES] [--expire-continue TIMES]
        [--hang-lists TIMES] [--cut-exec BYTES] [--path REGEX] [-- COMMAND...]

HTTP/1.1 only: a client that would like HTTP/2 is told so when it connects. Needs openssl.
"""
import argparse
import asyncio
import base64
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

BLOCK = 256 * 1024
# What is on its way in one direction; a round trip of 50 ms then allows 640 MB/s.
IN_FLIGHT = 32 * 1024 * 1024
MOST_HEAD = 1024 * 1024
LIST = re.compile(r"^/(api/v1|apis/[^/]+/[^/]+)(/namespaces/[^/]+)?/[a-z]+$")


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list  # (name in lower case, value)
    status: int = 0
    fault: str = None

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2]))

    def header(self, name):
        return next((value for key, value in self.headers if key == name), "")

    @property
    def is_list(self):
        return self.method == "GET" and self.query.get("watch") not in ("1", "true") and bool(LIST.match(self.path))

    @property
    def is_upgrade(self):
        return bool(self.header("upgrade"))


@dataclasses.dataclass
class Fault:
    name: str
    times: int  # None: always
    path: str
    method: str
    matches: object = None  # a further condition upon a Request
    values: dict = dataclasses.field(default_factory=dict)

    def wants(self, request):
        return (self.times is None or self.times > 0) and re.search(self.path, request.target) is not None and \
            (self.method is None or self.method == request.method) and \
            (self.matches is None or self.matches(request))


class Broken(Exception):
    """The connection to the client ends now, without a goodbye."""


class Line:
    """One direction of a slow line: what is put comes out half a round trip later."""

    def __init__(self, latency):
        self._latency = latency
        self._chunks = collections.deque()
        self._held = 0
        self._changed = asyncio.Event()
        self.ended = asyncio.Event()

    async def put(self, data):
        while self._held > IN_FLIGHT:
            await self._change()
        due = asyncio.get_running_loop().time() + self._latency() / 2
        self._chunks.append((due, data))
        self._held += len(data)
        self._changed.set()
        if not data:
            self.ended.set()

    async def get(self):
        """Some bytes, or none at the end."""
        while not self._chunks:
            await self._change()
        due, data = self._chunks[0]
        wait = due - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
        if data:
            self._chunks.popleft()
            self._held -= len(data)
            self._changed.set()
        return data

    async def _change(self):
        self._changed.clear()
        await self._changed.wait()


class Source:
    """Bytes that come in chunks, read as HTTP wants them."""

    def __init__(self, receive):
        self._receive = receive
        self._buffer = b""
        self._used = 0  # of the buffer; to cut it at each small chunk would copy it each time

    async def some(self, most=BLOCK):
        if self._used == len(self._buffer):
            self._buffer, self._used = await self._receive(), 0
        data = self._buffer[self._used:self._used + most]
        self._used += len(data)
        return data

    async def until(self, end):
        """Up to and with `end`; nothing when it ended before anything came."""
        while (at := self._buffer.find(end, self._used)) < 0:
            self._buffer, self._used = self._buffer[self._used:], 0
            data = await self._receive()
            if not data or len(self._buffer) > MOST_HEAD:
                if self._buffer:
                    raise Broken("ended inside of a head")
                return b""
            self._buffer += data
        begin, self._used = self._used, at + len(end)
        return self._buffer[begin:self._used]


def parse_head(head):
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return first, headers


def format_head(first, headers):
    return (first + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n").encode("latin-1")


def find(headers, name):
    return next((value for key, value in headers if key == name), None)


async def body_chunks(source, headers, until_end):
    """The body as it stands on the wire, so that it can be passed on unchanged."""
    if (find(headers, "transfer-encoding") or "").lower() == "chunked":
        while True:
            line = await source.until(b"\r\n")
            left = int(line.split(b";")[0] or b"0", 16) + 2  # with the line end after it
            yield line
            last = left == 2
            while left:
                data = await source.some(left)
                if not data:
                    raise Broken("ended inside of a body")
                left -= len(data)
                yield data
            if last:
                return
    length = find(headers, "content-length")
    left = int(length) if length is not None else (None if until_end else 0)
    while left is None or left > 0:
        data = await source.some(BLOCK if left is None else min(left, BLOCK))
        if not data:
            if left is not None:
                raise Broken("ended inside of a body")
            return
        if left is not None:
            left -= len(data)
        yield data


def resumed_token(token):
    """What a server offers when a token has expired: the same place at whatever version is there
    (apiserver, storage.EncodeContinue with resource version -1)."""
    try:
        value = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        return ""
    value["rv"] = -1
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class FaultProxy:
    def __init__(self, environment):
        self.latency = 0.0
        self.requests = []
        self.bytes_down = self.bytes_up = 0
        self._given = environment
        self._faults = []
        self._lock = threading.Lock()
        self._connections = set()
        self._timer = None

    # Faults, for any thread.

    def _add(self, name, times, path="", method=None, matches=None, **values):
        with self._lock:
            self._faults.append(Fault(name, times, path, method, matches, values))

    def throttle(self, times=1, retry_after=1, path="", method=None):
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        self._add("throttle", times, path, method, status=429, headers=headers,
                  text="Too many requests, please try again later.\n")

    def fail(self, times, status, reason="", message="", headers=None, path="", method=None):
        self._add("fail", times, path, method, status=status, reason=reason, headers=headers or {},
                  message=message or f"injected error {status}")

    def expire_continue(self, times=1, resume=True, path="", method=None):
        self._add("expire_continue", times, path, method, lambda request: "continue" in request.query,
                  status=410, reason="Expired", headers={}, resume=resume,
                  message="The provided continue parameter is too old to display a consistent list result.")

    def hang(self, times=1, seconds=None, lists_only=True, path="", method=None):
        self._add("hang", times, path, method, (lambda request: request.is_list) if lists_only else None,
                  seconds=seconds)

    def delay(self, times, seconds, path="", method=None):
        self._add("delay", times, path, method, seconds=seconds)

    def cut(self, times, after, path="", method=None):
        self._add("cut", times, path, method, lambda request: not request.is_upgrade, after=after)

    def cut_exec(self, after, times=1, direction="down", path="", method=None):
        assert direction in ("down", "up"), direction
        self._add("cut_exec", times, path, method, lambda request: request.is_upgrade,
                  after=after, direction=direction)

    def clear(self):
        with self._lock:
            self._faults.clear()

    def refuse(self, seconds=None):
        self._on_loop(self._close())
        if seconds is not None:
            self._timer = threading.Timer(seconds, self.accept)
            self._timer.daemon = True
            self._timer.start()

    def accept(self):
        self._on_loop(self._open())

    def break_connections(self):
        self._on_loop(self._break())

    # What was seen.

    def count(self, path="", method=None, status=None, fault=None):
        return sum(1 for request in list(self.requests)
                   if re.search(path, request.target) and method in (None, request.method)
                   and status in (None, request.status) and fault in (None, request.fault))

    # Its life.

    def __enter__(self):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="fault-proxy-"))
        self._read_credentials()
        self._make_certificate()
        self._token = secrets.token_urlsafe(24)
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda loop, context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server, self.port = None, 0
        self._on_loop(self._open())
        self._write_kubeconfig()
        return self

    def __exit__(self, *_):
        if self._timer is not None:
            self._timer.cancel()
        self._on_loop(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def _read_credentials(self):
        shown = subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "--flatten", "-o", "json"],
                               env=dict(self._given), check=True, capture_output=True, text=True).stdout
        config = json.loads(shown)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        url = urllib.parse.urlsplit(cluster["server"])
        self._upstream = (url.hostname, url.port or 443)
        self._bearer = user.get("token")
        self._upstream_tls = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        if "client-certificate-data" in user:
            both = self._directory / "upstream.pem"
            both.touch(mode=0o600)
            both.write_bytes(base64.b64decode(user["client-certificate-data"]) + b"\n" +
                             base64.b64decode(user["client-key-data"]))
            self._upstream_tls.load_cert_chain(both)

    def _make_certificate(self):
        certificate, key = self._directory / "proxy.crt", self._directory / "proxy.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=fault-proxy", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._tls.set_alpn_protocols(["http/1.1"])
        self._authority = certificate.read_bytes()

    def _write_kubeconfig(self):
        self.kubeconfig = str(self._directory / "kubeconfig")
        named = {"cluster": "fault-proxy", "user": "fault-proxy"}
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "fault-proxy",
            "clusters": [{"name": "fault-proxy", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority-data": base64.b64encode(self._authority).decode()}}],
            "users": [{"name": "fault-proxy", "user": {"token": self._token}}],
            "contexts": [{"name": "fault-proxy", "context": named}],
        }
        pathlib.Path(self.kubeconfig).touch(mode=0o600)
        pathlib.Path(self.kubeconfig).write_text(json.dumps(config, indent=1))
        self.environment = {"KUBECONFIG": self.kubeconfig}

    async def _open(self):
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls,
                                                      backlog=1000, limit=BLOCK)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._break()

    async def _break(self):
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    # Connections, in the loop's thread.

    async def _serve(self, reader, writer):
        connection = Connection(self, reader, writer)
        self._connections.add(connection)
        try:
            await connection.run()
        except (Broken, OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._connections.discard(connection)
            connection.abort()

    def choose_fault(self, request):
        """The fault for this request, or None; it counts as used."""
        with self._lock:
            chosen = next((fault for fault in self._faults if fault.wants(request)), None)
            if chosen is not None and chosen.times is not None:
                chosen.times -= 1
            self.requests.append(request)
        if chosen is not None:
            request.fault = chosen.name
        return chosen


class Connection:
    """One client's connection, and the one to the API server that serves it."""

    def __init__(self, proxy, reader, writer):
        self._proxy, self._reader, self._writer = proxy, reader, writer
        self._up, self._down = Line(lambda: proxy.latency), Line(lambda: proxy.latency)
        self._client = Source(self._up.get)
        self._server_reader = self._server_writer = self._server = None
        self._tasks = []

    async def run(self):
        # What a connection costs on such a line: one round trip for TCP, one for TLS.
        await asyncio.sleep(2 * self._proxy.latency)
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._send())]
        while await self._exchange():
            pass
        await self._down.put(b"")
        await self._tasks[1]
        self._writer.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 5)

    def abort(self):
        for task in self._tasks:
            task.cancel()
        for writer in (self._writer, self._server_writer):
            if writer is not None:
                writer.transport.abort()

    async def _receive(self):
        with contextlib.suppress(OSError):
            while data := await self._reader.read(BLOCK):
                await self._up.put(data)
        await self._up.put(b"")

    async def _send(self):
        while data := await self._down.get():
            self._writer.write(data)
            await self._writer.drain()

    async def _exchange(self):
        """One request and its response; False when the connection has to end."""
        head = await self._client.until(b"\r\n\r\n")
        if not head:
            return False
        first, headers = parse_head(head)
        method, target, _ = first.split(" ", 2)
        request = Request(method, target, headers)
        fault = self._proxy.choose_fault(request)
        if request.header("authorization") != "Bearer " + self._proxy._token:
            fault = Fault("unauthorized", 0, "", None, values={
                "status": 401, "reason": "Unauthorized", "headers": {}, "message": "Unauthorized"})
        if find(headers, "expect"):
            await self._down.put(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault is not None and fault.name == "hang":
            await self._hang(fault)
        if fault is not None and fault.name == "delay":
            await asyncio.sleep(fault.values["seconds"])
        if fault is not None and "status" in fault.values:
            async for _ in body_chunks(self._client, headers, until_end=False):
                pass
            await self._answer(request, fault)
            return True
        # A client that goes away in the middle must not leave a watch behind.
        forward = asyncio.create_task(self._forward(request, fault))
        gone = asyncio.create_task(self._up.ended.wait())
        try:
            await asyncio.wait({forward, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not forward.done() and not request.is_upgrade:
                raise Broken("the client is gone")
            return await forward
        finally:
            forward.cancel()
            gone.cancel()

    async def _hang(self, fault):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._up.ended.wait(), fault.values["seconds"])
        raise Broken("hung")

    async def _answer(self, request, fault):
        values = fault.values
        request.status = values["status"]
        if "text" in values:
            kind, body = "text/plain; charset=utf-8", values["text"]
        else:
            metadata = {}
            if values.get("resume"):
                metadata["continue"] = resumed_token(request.query["continue"])
            kind = "application/json"
            body = json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
                               "message": values["message"], "reason": values["reason"], "code": values["status"]})
        headers = {"content-type": kind, "content-length": len(body.encode()), **values["headers"]}
        await self._down.put(format_head(f"HTTP/1.1 {values['status']} Injected", headers.items()) + body.encode())

    async def _connect(self):
        if self._server_reader is None or self._server_reader.at_eof():
            if self._server_writer is not None:
                self._server_writer.transport.abort()
            self._server_reader, self._server_writer = await asyncio.open_connection(
                *self._proxy._upstream, ssl=self._proxy._upstream_tls, limit=BLOCK)
            self._server = Source(lambda: self._server_reader.read(BLOCK))

    async def _forward(self, request, fault):
        try:
            await self._connect()
        except OSError as error:  # as when the proxy was not there
            raise Broken(str(error)) from error
        headers = [(name, value) for name, value in request.headers
                   if name not in ("authorization", "expect", "host")]
        headers.append(("host", f"{self._proxy._upstream[0]}:{self._proxy._upstream[1]}"))
        if self._proxy._bearer:
            headers.append(("authorization", "Bearer " + self._proxy._bearer))
        await self._to_server(format_head(f"{request.method} {request.target} HTTP/1.1", headers))
        async for data in body_chunks(self._client, request.headers, until_end=False):
            self._proxy.bytes_up += len(data)
            await self._to_server(data)
        head = await self._server.until(b"\r\n\r\n")
        if not head:
            raise Broken("the server ended the connection")
        first, headers = parse_head(head)
        request.status = int(first.split(" ")[1])
        await self._down.put(head)
        if request.status == 101:
            await self._tunnel(fault if fault is not None and fault.name == "cut_exec" else None)
            return False
        if request.method == "HEAD" or request.status in (204, 304):
            return True
        left = fault.values["after"] if fault is not None and fault.name == "cut" else None
        async for data in body_chunks(self._server, headers, until_end=True):
            left = await self._pass_down(data, left)
        ends = find(headers, "content-length") is None and find(headers, "transfer-encoding") is None
        return not ends and (find(headers, "connection") or "").lower() != "close"

    async def _to_server(self, data):
        self._server_writer.write(data)
        await self._server_writer.drain()

    async def _pass_down(self, data, left):
        """Passes on what is left until a cut; what is left then."""
        if left is not None and len(data) >= left:
            await self._down.put(data[:left]) if left else None
            self._proxy.bytes_down += left
            await self._flush_and_break()
        self._proxy.bytes_down += len(data)
        await self._down.put(data)
        return None if left is None else left - len(data)

    async def _flush_and_break(self):
        """The client gets what was sent before the cut, and then no goodbye."""
        await self._down.put(b"")
        await self._tasks[1]
        await asyncio.sleep(0.05)  # for what the transport still holds
        raise Broken("cut")

    async def _tunnel(self, fault):
        after = None
        if fault is not None:
            after = fault.values["after"]() if callable(fault.values["after"]) else fault.values["after"]
        is_down = fault is not None and fault.values["direction"] == "down"
        tasks = {asyncio.create_task(self._tunnel_down(after if is_down else None)),
                 asyncio.create_task(self._tunnel_up(None if is_down else after))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _tunnel_down(self, left):
        while data := await self._server.some():
            left = await self._pass_down(data, left)

    async def _tunnel_up(self, left):
        while data := await self._client.some():
            if left is not None and len(data) >= left:
                await self._to_server(data[:left])
                raise Broken("cut")
            left = None if left is None else left - len(data)
            self._proxy.bytes_up += len(data)
            await self._to_server(data)


def main():
    parser = argparse.ArgumentParser(description="A proxy to the API server of KUBECONFIG that misbehaves.")
    parser.add_argument("--latency", type=float, default=0, metavar="MILLISECONDS")
    parser.add_argument("--throttle", type=int, metavar="TIMES")
    parser.add_argument("--expire-continue", type=int, metavar="TIMES")
    parser.add_argument("--hang-lists", type=int, metavar="TIMES")
    parser.add_argument("--cut-exec", type=int, metavar="BYTES")
    parser.add_argument("--path", default="", metavar="REGEX", help="only requests whose target has it")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="run with the proxy's KUBECONFIG")
    options = parser.parse_args()
    with FaultProxy(os.environ) as proxy:
        proxy.latency = options.latency / 1000
        if options.throttle:
            proxy.throttle(options.throttle, path=options.path)
        if options.expire_continue:
            proxy.expire_continue(options.expire_continue, path=options.path)
        if options.hang_lists:
            proxy.hang(options.hang_lists, path=options.path)
        if options.cut_exec is not None:
            proxy.cut_exec(options.cut_exec, path=options.path)
        if options.command:
            code = subprocess.run(options.command, env={**os.environ, **proxy.environment}).returncode
            injected = collections.Counter(request.fault for request in proxy.requests if request.fault)
            print(f"{len(proxy.requests)} requests, {proxy.bytes_down} bytes down, {proxy.bytes_up} up, "
                  f"faults: {dict(injected)}", file=sys.stderr)
            return code
        print("export KUBECONFIG=" + proxy.kubeconfig, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
