"""Hostile input: Loki's status, a text that says what is wrong, bounded memory, a server that lives."""
import gzip
import json
import socket
import struct
import time
import urllib.parse
import zlib

from harness import PATIENCE, EndToEndCase, request

PUSH = "/loki/api/v1/push"
RANGE = "/loki/api/v1/query_range"
JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
MEMORY_KIB = 250 * 1024
# Seconds for the slowest kind, a bomb of 2 GB, which takes less than one where nothing else runs.
SLOWEST = 60
NOW = time.time_ns()


def stream(labels, values):
    return json.dumps({"streams": [{"stream": labels, "values": values}]}).encode()


def literal_snappy(data):
    """A snappy block that holds its data as one literal."""
    size, out = len(data), bytearray()
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    out.append(size)
    return bytes(out) + bytes([0xFC]) + struct.pack("<I", len(data) - 1) + data


def bomb(megabytes):
    """Zeros, packed by gzip. After a full flush the same bytes unpack to the same: one block is packed, once."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, -15), bytes(1 << 20)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(megabytes):
        checksum = zlib.crc32(block, checksum)
    end = packer.flush() + struct.pack("<II", checksum, megabytes << 20 & 0xFFFF_FFFF)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + packed * megabytes + end


GOOD = stream({"app": "x"}, [[str(NOW), "line"]])

# name: (body, headers, statuses, what the text must contain)
PUSHES = {
    "empty body": (b"", JSON, {400, 422}, ""),
    "no streams": (b'{"streams":[]}', JSON, {422}, "at least one valid stream"),
    "not JSON": (b"hello", JSON, {400}, ""),
    "JSON cut short": (GOOD[:-5], JSON, {400}, ""),
    "JSON 10,000 deep": (b'{"streams":' + b"[" * 10_000, JSON, {400}, ""),
    "JSON 10,000 deep in an ignored key": (b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"streams":[]}', JSON, {400}, ""),
    "number as timestamp": (b'{"streams":[{"stream":{"a":"b"},"values":[[1,"x"]]}]}', JSON, {400}, ""),
    "number as line": (b'{"streams":[{"stream":{"a":"b"},"values":[["1",2]]}]}', JSON, {400}, ""),
    "timestamp that is no number": (stream({"a": "b"}, [["soon", "x"]]), JSON, {400}, ""),
    "timestamp beyond 64 bits": (stream({"a": "b"}, [["99999999999999999999999", "x"]]), JSON, {400}, ""),
    "timestamp of the far future": (stream({"a": "b"}, [[str(NOW + 10**15), "x"]]), JSON, {400}, "too new"),
    "labels without names": (stream({}, [[str(NOW), "x"]]), JSON, {400}, "at least one label pair"),
    "empty label name": (stream({"": "b"}, [[str(NOW), "x"]]), JSON, {400}, ""),
    "label name with a dash": (stream({"my-label": "b"}, [[str(NOW), "x"]]), JSON, {400}, ""),
    "label name of 2,000 bytes": (stream({"n" * 2000: "b"}, [[str(NOW), "x"]]), JSON, {400}, "label name too long"),
    "label value of 3,000 bytes": (stream({"a": "v" * 3000}, [[str(NOW), "x"]]), JSON, {400}, "label value too long"),
    "16 labels": (stream({f"l{i}": "v" for i in range(16)}, [[str(NOW), "x"]]), JSON, {400}, "limit 15"),
    "line of 2 MB": (stream({"a": "b"}, [[str(NOW), "x" * 2_000_000]]), JSON, {400}, "max entry size '1048576' bytes exceeded"),
    "line of 100 MB": (gzip.compress(stream({"a": "b"}, [[str(NOW), "x" * 100_000_000]]), 1), GZIP, {400, 413}, "too large"),
    "structured metadata of 70 KB": (stream({"a": "b"}, [[str(NOW), "x", {"m": "v" * 70_000}]]), JSON, {400}, "structured metadata too large"),
    "structured metadata that is a list": (stream({"a": "b"}, [[str(NOW), "x", ["m"]]]), JSON, {400}, ""),
    "gzip cut short": (gzip.compress(GOOD)[:-10], GZIP, {400}, ""),
    "no gzip at all": (GOOD, GZIP, {400}, ""),
    "gzip that lies about its size": (gzip.compress(GOOD)[:-4] + b"\xff\xff\xff\x7f", GZIP, {400, 413}, ""),
    "zip bomb of 2 GB": (bomb(2048), GZIP, {413}, "too large"),
    "unknown encoding": (GOOD, {**JSON, "Content-Encoding": "br"}, {400}, '"br" not supported'),
    "no content type": (GOOD, {}, {400}, "no media type"),
    "snappy that is none": (b"\xff\xff\xff\xff\xff\xff", PROTOBUF, {400}, ""),
    "snappy that declares 4 GB": (b"\xff\xff\xff\xff\x0f" + b"x" * 50, PROTOBUF, {400, 413}, ""),
    "invalid protobuf": (literal_snappy(b"\x0a\xff\xff\xff\xff\x0f"), PROTOBUF, {400}, ""),
    "protobuf of random bytes": (literal_snappy(bytes(range(256)) * 20), PROTOBUF, {400}, ""),
    "tenant with a slash": (GOOD, {**JSON, "X-Scope-OrgID": "../etc"}, {400}, "tenant"),
    "tenant of 200 bytes": (GOOD, {**JSON, "X-Scope-OrgID": "t" * 200}, {400}, "tenant"),
}

DAY = 86_400 * 10**9
SPAN = dict(start=NOW - 3600 * 10**9, end=NOW)
# name: (parameters, statuses, what the text must contain)
QUERIES = {
    "no query": (dict(**SPAN), {400}, ""),
    "unparsable": (dict(query='{app="x"', **SPAN), {400}, "parse error at line 1"),
    "selector without a value": (dict(query='{app=~".*"}', **SPAN), {400}, "at least one"),
    "10,000 brackets": (dict(query="(" * 10_000 + "1", **SPAN), {400}, ""),
    "140,000 bytes": (dict(query='{app="' + "x" * 140_000 + '"}', **SPAN), {400, 414, 431}, ""),
    "bad regular expression": (dict(query='{app="x"} |~ "("', **SPAN), {400}, ""),
    "ten years with a step of 1 ms": (
        dict(query='rate({app="x"}[1m])', start=NOW - 3650 * DAY, end=NOW, step="1ms"), {400}, "exceed"),
    "range over the limit": (dict(query='{app="x"}', start=NOW - 60 * DAY, end=NOW), {400}, "exceeds the limit"),
    "end before start": (dict(query='{app="x"}', start=NOW, end=NOW - DAY), {400}, "end timestamp must not be before"),
    "step of zero": (dict(query='rate({app="x"}[1m])', step="0", **SPAN), {400}, "step"),
    "limit of zero": (dict(query='{app="x"}', limit="-1", **SPAN), {400}, "limit must be a positive"),
    "limit too large": (dict(query='{app="x"}', limit="6000", **SPAN), {400}, "max entries limit"),
    "time that is none": (dict(query='{app="x"}', start="yesterday"), {400}, "yesterday"),
}


class BadInput(EndToEndCase):
    def test_each_kind_gets_an_answer_and_the_server_lives_on(self):
        server = self.serve()
        self.assertEqual(request(server.port, "POST", PUSH, GOOD, JSON).status, 204)
        failures = []

        def judge(name, answer, statuses, text, took):
            if answer.status not in statuses or text.lower() not in answer.text.lower() or not answer.text.strip():
                failures.append(f"{name}: {answer.status} {answer.text[:200]!r}, wanted {statuses} {text!r}")
            if took > SLOWEST:
                failures.append(f"{name}: took {took:.0f} s")

        for name, (body, headers, statuses, text) in PUSHES.items():
            began = time.monotonic()
            judge(name, request(server.port, "POST", PUSH, body, headers), statuses, text, time.monotonic() - began)
        for name, (parameters, statuses, text) in QUERIES.items():
            began = time.monotonic()
            form = urllib.parse.urlencode(parameters)
            judge(name, request(server.port, "POST", RANGE, form,
                                {"Content-Type": "application/x-www-form-urlencoded"}), statuses, text, time.monotonic() - began)
        self.assertEqual(failures, [])
        self.assertIsNone(server.process.poll(), server.tail())
        self.assertEqual(server.count('{app="x"}', NOW + 10**9), 1, "refused pushes left something behind")
        peak = server.status("VmHWM")
        print(f"\nbad input: {len(PUSHES) + len(QUERIES)} kinds, peak memory {peak // 1024} MB", flush=True)
        self.assertLess(peak, MEMORY_KIB)

    def test_a_regex_of_death_stays_linear(self):
        server = self.serve()
        # As long as a line may be: a time that grows with the square of it would be minutes.
        line = "a" * 260_000 + "!"
        self.assertEqual(server.push({(("app", "x"),): [(NOW, line)]}).status, 204)
        began = time.monotonic()
        answer = server.range('{app="x"} |~ "^(a+)+$"', NOW - 10**9, NOW + 10**9)
        self.assertEqual(answer.json["data"]["result"], [])
        self.assertLess(time.monotonic() - began, 30)

    def test_broken_http_does_not_end_the_server(self):
        server = self.serve()
        for wire in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"POST " + PUSH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nhalf",
                     b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as s:
                s.settimeout(10)  # no answer is a fair one, too
                try:
                    s.sendall(wire)
                    s.shutdown(socket.SHUT_WR)
                    s.recv(4096)
                except OSError:
                    pass  # cutting the connection is a fair answer to this
        self.assertEqual(server.get("/ready").status, 200)


if __name__ == "__main__":
    import unittest
    unittest.main()
