all:
	@/usr/bin/python3 foreign/apps/kinds/stop.py drains
