#!/usr/bin/env python3
"""tls-forward.py FOLDER PORT FILE - TLS in front of 127.0.0.1:PORT, with the certificate
FOLDER/cert.pem, at a port that is written to FILE."""
import os
import socket
import ssl
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, port):
    try:
        with context.wrap_socket(client, server_side=True) as tls:
            with socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=copy, args=(server, tls), daemon=True)
                back.start()
                copy(tls, server)
                back.join()
    except OSError:
        pass


folder, port, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
listener = socket.create_server(("127.0.0.1", 0))
with open(f"{file}.new", "w", encoding="ascii") as out:
    out.write(str(listener.getsockname()[1]))
os.rename(f"{file}.new", file)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], port), daemon=True).start()
