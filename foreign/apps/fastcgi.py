"""A FastCGI client of slow.php, content with any answer, and with none: fastcgi.py PORT"""
import socket
import struct
import sys


def record(kind, content):
	return struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def pair(name, value):
	return bytes([len(name), len(value)]) + name.encode() + value.encode()


server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
params = (pair("SCRIPT_FILENAME", "slow.php") + pair("REQUEST_METHOD", "GET")
	+ pair("SCRIPT_NAME", "/slow.php"))
server.sendall(record(1, struct.pack("!HB5x", 1, 0)) + record(4, params) + record(4, b"")
	+ record(5, b""))
try:
	while server.recv(65536):
		pass
except ConnectionResetError:
	pass
