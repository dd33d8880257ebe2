"""A pymodbus client talks to the controller of the demo's plant, which is a tokio-modbus server.

Usage: modbus.py HOST PORT
"""

import sys
import time

from pymodbus.client import ModbusTcpClient

UNIT = 1
PATIENCE_S = 10


def main(host, port):
    client = ModbusTcpClient(host, port=port, timeout=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while not client.connect():
        if time.monotonic() > deadline:
            raise TimeoutError("the controller does not accept connections")
        time.sleep(0.1)
    client.read_input_registers(0, count=3, device_id=UNIT)
    client.read_coils(0, count=2, device_id=UNIT)
    client.write_register(0, 425, device_id=UNIT)
    client.write_registers(10, [0x42B4, 0x0000], device_id=UNIT)
    client.write_coil(1, True, device_id=UNIT)
    client.read_holding_registers(0, count=12, device_id=UNIT)
    client.write_register(999, 1, device_id=UNIT)
    client.mask_write_register(address=0, and_mask=0xFFF0, or_mask=1, device_id=UNIT)
    client.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
