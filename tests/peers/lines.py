"""Records what real stacks say to each other over a serial line, with timing.

Usage: lines.py {rtu,mbpoll,ascii,dnp3}

Writes a line for each run of bytes to standard output: microseconds from the first run to the start of this one, who wrote it
(client or server), and the bytes. The line is a pair of pseudo-terminals between which bytes travel as fast as at 1,200 bit/s
and no faster: 11 bits a character.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
import tty

BAUD = 1_200
CHARACTER_S = 11 / BAUD
UNIT = 7
PATIENCE_S = 10


def main(what):
    line = Line()
    {"rtu": modbus, "ascii": modbus, "mbpoll": mbpoll, "dnp3": dnp3}[what](what, *line.ends)
    line.tell()


class Line:
    """Two pseudo-terminals, and what travels between them."""

    def __init__(self):
        (client, self.client), (server, self.server) = os.openpty(), os.openpty()
        for end in (client, server, self.client, self.server):
            tty.setraw(end)
        self.ends = os.ttyname(self.client), os.ttyname(self.server)
        self.runs = []
        for side, source, sink in (("client", client, server), ("server", server, client)):
            threading.Thread(target=self.carry, args=(side, source, sink), daemon=True).start()

    def carry(self, side, source, sink):
        while octets := os.read(source, 4096):
            self.runs.append((time.monotonic(), side, octets))
            for octet in octets:
                time.sleep(CHARACTER_S)
                os.write(sink, bytes([octet]))

    def tell(self):
        began = self.runs[0][0]
        for at, side, octets in self.runs:
            print(round((at - began) * 1e6), side, octets.hex())


def serve_modbus(framer, port):
    from pymodbus.server import ModbusSerialServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    blocks = (
        [SimData(0, count=64, values=False, datatype=DataType.BITS)],
        [SimData(0, count=64, values=True, datatype=DataType.BITS)],
        [SimData(0, count=64, values=0, datatype=DataType.REGISTERS)],
        [SimData(0, count=64, values=1, datatype=DataType.REGISTERS)],
    )

    async def run():
        server = ModbusSerialServer(SimDevice(UNIT, simdata=blocks), framer=framer, port=port, baudrate=BAUD)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    time.sleep(1)


def modbus(framing, client_end, server_end):
    from pymodbus.client import ModbusSerialClient
    from pymodbus.framer import FramerType

    framer = FramerType.ASCII if framing == "ascii" else FramerType.RTU
    serve_modbus(framer, server_end)
    client = ModbusSerialClient(client_end, framer=framer, baudrate=BAUD, timeout=PATIENCE_S, retries=0)
    assert client.connect()
    client.read_holding_registers(0, count=2, device_id=UNIT)
    client.write_register(0, 50, device_id=UNIT)
    client.write_register(0, 500, device_id=UNIT)
    client.write_registers(0, [60, 70], device_id=UNIT)
    client.write_coil(3, True, device_id=UNIT)
    assert client.read_holding_registers(200, count=2, device_id=UNIT).isError()
    client.read_holding_registers(0, count=10, device_id=UNIT)
    client.close()


def mbpoll(_, client_end, server_end):
    from pymodbus.framer import FramerType

    serve_modbus(FramerType.RTU, server_end)
    ask = ["mbpoll", "-m", "rtu", "-b", str(BAUD), "-P", "none", "-a", str(UNIT), "-o", "5", "-1", "-q", "-0"]
    for asked in (
        ["-t", "4", "-r", "0", "-c", "4", client_end],
        ["-t", "4", "-r", "0", client_end, "500"],
        ["-t", "0", "-r", "3", client_end, "1"],
        ["-t", "3", "-r", "1", "-c", "2", client_end],
    ):
        subprocess.run(ask + asked, check=True, stdout=subprocess.DEVNULL)


def dnp3(_, client_end, server_end):
    import opendnp3 as dnp3

    manager, levels = dnp3.DNP3Manager(2), dnp3.levels.NOTHING

    def channel(name, end):
        settings = dnp3.SerialSettings()
        settings.deviceName, settings.baud = end, BAUD
        return manager.AddSerial(name, levels, dnp3.ChannelRetry.Default(), settings, Listener())

    class Listener(dnp3.IChannelListener):
        def OnStateChange(self, state):
            pass

    class Values(dnp3.ISOEHandler):
        pass

    class Commands(dnp3.ICommandHandler):
        def Select(self, command, index):
            return dnp3.CommandStatus.SUCCESS

        def Operate(self, command, index, handler, op_type):
            return dnp3.CommandStatus.SUCCESS

    config = dnp3.OutstationStackConfig(dnp3.DatabaseConfig(3))
    config.link.LocalAddr, config.link.RemoteAddr = 10, 1
    keep = [Commands(), dnp3.IOutstationApplication(), Values(), dnp3.IMasterApplication()]
    outstation = channel("o", server_end).AddOutstation("o", keep[0], keep[1], config)
    outstation.Enable()
    config = dnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = 1, 10
    config.master.responseTimeout = dnp3.TimeDuration.Seconds(PATIENCE_S)
    master = channel("m", client_end).AddMaster("m", keep[2], keep[3], config)
    master.Enable()
    time.sleep(6)
    done = threading.Event()
    for command, index, call in (
        (dnp3.AnalogOutputInt16(50), 0, master.DirectOperate),
        (dnp3.AnalogOutputInt16(500), 0, master.DirectOperate),
        (dnp3.ControlRelayOutputBlock(dnp3.OperationType.LATCH_ON), 1, master.SelectAndOperate),
    ):
        done.clear()
        call(command, index, lambda result: done.set())
        assert done.wait(PATIENCE_S)
    time.sleep(1)
    manager.Shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
