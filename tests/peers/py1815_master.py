"""A py1815 master talks to an opendnp3 outstation, or breaks the rules on purpose before an outstation of py1815.

Usage: py1815_master.py HOST {opendnp3,deviations}

Port 20000 of HOST. Prints a JSON line for each message: what tagout's record has to say of it, as the stacks meant and
understood it.
"""

import asyncio
import itertools
import struct
import sys

import told
from py1815 import OutstationServer, Session
from py1815.application import FunctionCode
from py1815.control import ControlRelayOutputBlock, OperationType, TripCloseCode
from py1815.decode import PointType
from py1815.events import EventBuffers, EventClass
from py1815.master import Master
from py1815.master.association import Outcome
from py1815.master.deviations import Deviations
from py1815.objects import AnalogPoint

#: Groups whose objects have their indexes before them.
COUNTED = (12, 41)
ANALOG_OUTPUTS = {1: "<iB", 2: "<hB", 3: "<fB", 4: "<dB"}


async def main(host, part):
    async with Master() as master:
        if part == "opendnp3":
            await converse(master, host)
        else:
            await deviate(master, host)


async def converse(master, host):
    import opendnp3 as dnp3
    from opendnp3_master import change
    from outstation import ADDRESS, MASTER, Outstation

    manager = dnp3.DNP3Manager(2)
    peer = Outstation(manager, host)
    addresses = {"outstation_address": ADDRESS, "master_address": MASTER}
    station = await master.add("peer", host=host, confirm=True, manual=True, **addresses, on_exchange=tell, on_unsolicited=hear)
    await station.connect(wait=10)
    await station.clear_restart()
    change(peer.station, 1)
    for kind in ("class1", "class2", "class3", "events", "class0", "integrity", "outputs"):
        await station.scan(kind)
    await station.read(binary_inputs="all", analog_inputs=[0, 1, 2, 7], counters=[1], frozen_counters="all")
    await operate(station)
    for procedure in ("lan", "non_lan"):
        await station.synchronize_time(procedure)
    await station.write_time(1_700_000_000_123)
    for clear, respond in itertools.product((False, True), repeat=2):
        await station.freeze(clear=clear, respond=respond)
    await station.enable_unsolicited(1, 2, 3)
    change(peer.station, 2)
    await asyncio.sleep(0.5)
    await station.disable_unsolicited(1, 2, 3)
    await station.restart("cold")
    await station.restart("warm")
    for function in (FunctionCode.INITIALIZE_DATA, FunctionCode.SAVE_CONFIGURATION, FunctionCode.STOP_APPLICATION):
        await station.request(function)
    await station.broadcast(FunctionCode.FREEZE_CLEAR_NR, bytes([20, 0, 6]))
    await station.scan("class0")
    await station.close()
    manager.Shutdown()


async def operate(station):
    for operation, trip in itertools.product(OperationType, (0, 1, 2)):
        block = ControlRelayOutputBlock.build(operation, trip_close=TripCloseCode(trip), count=3, on_time_ms=70, off_time_ms=0)
        for mode in ("direct", "select"):
            await station.operate(binary_outputs={4: block}, mode=mode)
    await station.operate(binary_outputs={1: "trip", 2: True, 9: False}, analog_outputs={1: 5, 2: 0.5}, mode="select")
    await station.operate(binary_outputs={300: "close"}, analog_outputs={9: -3}, mode="direct")
    await station.operate(binary_outputs={1: False}, analog_outputs={1: 7}, mode="direct_no_ack")
    for variation, value in [(1, -70_000), (2, 32_767), (3, -0.25), (4, 1e300)]:
        for mode in ("direct", "select", "direct_no_ack"):
            await station.operate(analog_outputs={3: value}, mode=mode, variation=variation)


def tell(exchange):
    """Tells of each fragment of an exchange as the master decoded it."""
    function = int(exchange.function)
    common = {"sequence": exchange.sequence}
    if not exchange.fragments:
        answered = exchange.outcome is not Outcome.COMPLETE
        told.tell(function, matched=not answered, **common)
        return
    objects = exchange.objects
    whole = len(exchange.fragments) == 1 and not exchange.undecoded
    fields = {"source": 1, "matched": True, "part": 1, "response_function": 129}
    fields["iin"] = indications(exchange.fragments[0])
    if whole and objects and objects[0].group in (*range(1, 50), 52):
        told.tell(function, ["...", *answers(objects)], **common, **fields)
    else:
        told.tell(function, **common, **fields)
        for part, fragment in enumerate(exchange.fragments[1:], 2):
            told.tell(function, part=part, iin=indications(fragment))


def hear(unsolicited):
    response = unsolicited.response
    objects = None if unsolicited.undecoded else answers(unsolicited.objects)
    told.tell(130, objects, sequence=response.control.sequence, iin=indications(response))


def indications(response):
    return told.indications(response.iin.first, response.iin.second)


def answers(objects):
    """The objects under their headers: a header has one format, and of present values consecutive indexes."""
    headers, last = [], None
    for each in objects:
        follows = last and (each.group, each.variation) == (last.group, last.variation)
        if not follows or not (each.event or each.group in COUNTED or each.index == last.index + 1):
            headers.append(told.response(each.group, each.variation, []))
        headers[-1]["points"].append(point(each))
        last = each
    return headers


def point(each):
    said = {"index": each.index or 0}
    if each.group == 12:
        names = ("code", "count", "on_time_ms", "off_time_ms")
        *fields, status = struct.unpack("<BBIIB", each.raw)
        return said | {"control": dict(zip(names, fields)), "status": status}
    if each.group == 41:
        value, status = struct.unpack(ANALOG_OUTPUTS[each.variation], each.raw)
        return said | {"value": value, "status": status}
    said["value"] = int(each.value) if isinstance(each.value, bool) else each.value
    if each.flags is not None:
        state = 0x80 if each.value and each.point in (PointType.BINARY_INPUT, PointType.BINARY_OUTPUT) else 0
        said["flags"] = told.flags(each.group, each.flags | state)
    return said | ({"time": told.time(each.time_ms)} if each.time_ms else {})


async def deviate(master, host):
    """Breaks one rule after the other; after each, a poll as it should be."""
    events = EventBuffers()
    session = Session(Values(), events=events, unsolicited=True, unsolicited_confirm_timeout=0.3)
    server = OutstationServer(session, bind=f"{host}:20000")
    await server.start()
    options = {"response_timeout": 0.6, "read_retries": 0, "manual": True, "confirm": True}
    station = await master.add("peer", host=host, **options, on_exchange=lambda exchange: None)
    await station.connect(wait=10)
    await station.clear_restart()
    for value, name in enumerate(Deviations.names()):
        events.record_analog(1, AnalogPoint(value), event_class=EventClass.CLASS_1, timestamp_ms=1_700_000_000_000)
        station.deviations.set(name, True)
        for kind in ("class1", "class0"):
            tell_of_deviation(name, await station.scan(kind))
        station.deviations.clear()
        await asyncio.sleep(0.5)
        polled = await station.scan("class0")
        assert polled.outcome is Outcome.COMPLETE, f"after {name}: {polled.outcome}"
        tell(polled)
    await station.close()
    await asyncio.sleep(0.2)
    await server.stop()


def tell_of_deviation(name, exchange):
    """Tells of a request that could be read, as often as it was sent."""
    if name == "second_master_address":
        told.tell(int(exchange.function), source=2, sequence=exchange.sequence, matched=False)
    elif exchange.outcome is Outcome.COMPLETE:
        for _ in range(2 if name == "repeat_request" else 1):
            tell(exchange)


class Values:
    """Three analog inputs."""

    def read(self, headers):
        return b"".join([bytes([30, 2, 0, 0, 2]), *(struct.pack("<Bh", 1, value) for value in (7, -8, 9))])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
