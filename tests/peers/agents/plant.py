"""A Modbus server (pymodbus) and a DNP3 outstation (opendnp3), until standard input ends.

Usage: plant.py MODBUS_ADDRESS DNP3_ADDRESS

Says `ready` once both listen.
"""

import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import opendnp3 as dnp3
from modbus import PORT, serve
from outstation import Outstation
from pymodbus.logging import pymodbus_apply_logging_config


def main():
    modbus, outstation = sys.argv[1:]
    pymodbus_apply_logging_config("CRITICAL")
    serve(modbus, "tcp")
    manager = dnp3.DNP3Manager(1)
    station = Outstation(manager, outstation, unsolicited=False)
    for address, port in [(modbus, PORT), (outstation, 20000)]:
        await_listener(address, port)
    print("ready", flush=True)
    sys.stdin.read()
    station.channel.Shutdown()
    manager.Shutdown()


def await_listener(address, port):
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection((address, port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    main()
