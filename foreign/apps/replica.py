"""A redis replica that takes everything and acknowledges no write: replica.py PORT"""
import socket
import sys
import time

address = ("127.0.0.1", int(sys.argv[1]))
master = socket.create_connection(address)
master.sendall(b"REPLCONF capa eof capa psync2\r\n")
master.recv(100)
master.sendall(b"PSYNC ? -1\r\n")
received = b""
while b"REDIS0" not in received:
	received += master.recv(65536)
time.sleep(0.3)
# This puts the replica online; the write below leaves it behind.
master.sendall(b"REPLCONF ACK 0\r\n")
time.sleep(0.2)
with socket.create_connection(address) as client:
	client.sendall(b"SET key value\r\n")
	client.recv(100)
while master.recv(65536):
	pass
