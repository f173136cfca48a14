"""A client of PostgreSQL that connects, and stays until it is sent away: pgclient.py PORT"""
import socket
import struct
import sys

start = struct.pack("!i", 196608) + b"user\0postgres\0\0"
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
server.sendall(struct.pack("!i", 4 + len(start)) + start)
while server.recv(65536):
	pass
