"""An opendnp3 master asks a py1815 outstation for the attributes of its device, and for events with relative times.

Usage: attributes.py HOST

Port 20000 of HOST. Prints a JSON line for each message: what tagout's record has to say of it, as the master understood
it.
"""

import asyncio
import struct
import sys
import threading

import opendnp3 as dnp3
import told
from opendnp3_master import MOMENT, Master
from outstation import ADDRESS, MASTER
from py1815 import OutstationServer, Session
from py1815.events import EventBuffers, EventClass
from py1815.objects import BinaryPoint

TEXT, UNSIGNED, SIGNED, REAL, TIME = 1, 2, 3, 4, 7
#: Variations of group 0 with what the device says, each as its type has it.
ATTRIBUTES = [
    (198, TIME, MOMENT.to_bytes(6, "little")), (203, REAL, struct.pack("<d", -430.25)),
    (204, REAL, struct.pack("<f", 52.5)), (217, UNSIGNED, (1000).to_bytes(2, "little")), (219, SIGNED, b"\xff"),
    (240, UNSIGNED, (2048).to_bytes(4, "little")), (242, TEXT, b"1.2.3"), (243, TEXT, b"rev A"),
    (250, TEXT, b"TO-1"), (252, TEXT, b"tagout"),
]  # fmt: skip


class Device:
    """Answers for group 0 only."""

    def read(self, headers):
        wanted = {header.variation for header in headers if header.group == 0}
        everything = 254 in wanted
        found = [each for each in ATTRIBUTES if everything or each[0] in wanted]
        return b"".join(bytes([0, variation, 0, 0, 0, kind, len(data)]) + data for variation, kind, data in found)


def main(host):
    events = EventBuffers()
    serve(host, events)
    manager = dnp3.DNP3Manager(2)
    master = Master(manager, host, "127.0.0.1", "tcp")
    master.await_task("STARTUP_INTEGRITY_POLL")
    for index, late_ms in [(3, 0), (4, 17), (3, 60_000), (4, 70_000)]:
        point = BinaryPoint(late_ms < 50_000)
        events.record_binary(index, point, event_class=EventClass.CLASS_2, timestamp_ms=MOMENT + late_ms)
    master.read([dnp3.Header.AllObjects(2, 3)], ["..."])
    for variation in [254, *(variation for variation, _, _ in ATTRIBUTES)]:
        master.read([dnp3.Header.Range8(0, variation, 0, 0)], [told.request(0, variation)])
    manager.Shutdown()


def serve(host, events):
    async def run():
        session = Session(Device(), events=events, outstation_address=ADDRESS, master_address=MASTER)
        server = OutstationServer(session, bind=f"{host}:20000")
        await server.start()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
