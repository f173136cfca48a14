#!/usr/bin/env python3
"""Starts a container through CRI as a kubelet does, apart from the code that is tested.

    kubelet.py ENDPOINT POD NAME IMAGE GRACE LOGS COMMAND...

In a pod of that name, on the host's network, with the labels and annotations of a
kubelet: a grace of GRACE seconds, the log NAME.log in the folder LOGS. Prints its id.
Needs curl with HTTP/2.
"""
import subprocess
import sys

NODE, CONTAINER = 2, 1


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def pairs(number, values):
    return b"".join(field(number, field(1, k) + field(2, v)) for k, v in values.items())


def call(endpoint, method, message):
    answer = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "--http2-prior-knowledge", "--unix-socket",
         endpoint.removeprefix("unix://"), "-H", "Content-Type: application/grpc",
         "-H", "TE: trailers", "--data-binary", "@-", "-D", "/dev/stderr",
         "http://localhost/runtime.v1.RuntimeService/" + method],
        input=b"\0" + len(message).to_bytes(4, "big") + message, capture_output=True)
    if b"grpc-status: 0" not in answer.stderr:
        sys.exit(method + ": " + answer.stderr.decode())
    return answer.stdout[5:]


def first_text(message):
    """Of an answer whose one field is a string."""
    length, at, shift = 0, 1, 0
    while True:
        length |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
        if message[at - 1] < 0x80:
            return message[at:at + length].decode()


endpoint, pod, name, image, grace, logs, *command = sys.argv[1:]
namespaces = field(1, NODE) + field(2, CONTAINER)
labels = {"io.kubernetes.pod.name": pod, "io.kubernetes.container.name": name}
sandbox = (field(1, field(1, pod) + field(2, pod) + field(3, "default")) + field(3, logs)
           + pairs(6, labels) + field(8, field(2, field(1, namespaces))))
container = (field(1, field(1, name)) + field(2, field(1, image))
             + b"".join(field(3, word) for word in command) + pairs(9, labels)
             + pairs(10, {"io.kubernetes.pod.terminationGracePeriod": grace,
                          "io.kubernetes.container.restartCount": "2"})
             + field(11, name + ".log") + field(15, field(2, field(3, namespaces))))
sandbox_id = first_text(call(endpoint, "RunPodSandbox", field(1, sandbox)))
container_id = first_text(call(endpoint, "CreateContainer", field(1, sandbox_id)
                               + field(2, container) + field(3, sandbox)))
call(endpoint, "StartContainer", field(1, container_id))
print(container_id)
