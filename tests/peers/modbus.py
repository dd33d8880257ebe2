"""A pymodbus client asks a server for everything that pymodbus offers.

Usage: modbus.py HOST {tcp,udp,rtu,ascii} [--serve]

Port 502 of HOST, in the given framing (rtu and ascii over TCP). With --serve, a pymodbus server answers there. Prints
a JSON line for each request: what a record of the exchange has to say, as the client asked it and understood the answer.
"""

import argparse
import asyncio
import json
import socket
import threading
import time

from pymodbus.client import ModbusTcpClient, ModbusUdpClient
from pymodbus.constants import ModbusStatus
from pymodbus.framer import FramerType
from pymodbus.logging import pymodbus_apply_logging_config
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.pdu.file_message import FileRecord
from pymodbus.server import ModbusTcpServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice

PORT = 502
UNITS = (1, 17, 247)
PATIENCE_S = 10
FRAMERS = {"tcp": FramerType.SOCKET, "udp": FramerType.SOCKET, "rtu": FramerType.RTU, "ascii": FramerType.ASCII}
IDENTITY = {
    0: "tagout", 1: "TO-1", 2: "1.0", 3: "https://example.com", 4: "Peer", 5: "Model", 6: "Application",
    0x80: "a" * 120, 0x81: "b" * 120,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("framing", choices=FRAMERS)
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()
    pymodbus_apply_logging_config("CRITICAL")
    if arguments.serve:
        serve(arguments.host, arguments.framing)
    client = connect(arguments.host, arguments.framing)
    conversation = Conversation(client, arguments.framing in ("tcp", "udp"))
    for unit in UNITS:
        conversation.ask_for_values(unit)
    conversation.ask_for_refusals(UNITS[0])
    conversation.ask_for_diagnostics(UNITS[0])
    conversation.ask_for_the_rest(UNITS[0], queue=arguments.framing != "rtu")
    if arguments.serve and arguments.framing in ("rtu", "ascii"):
        conversation.broadcast()
    client.close()
    if not arguments.serve:
        pipeline(arguments.host)


class Conversation:
    def __init__(self, client, counts_transactions):
        self.client, self.counts_transactions = client, counts_transactions

    def ask(self, call, asked, understood, **arguments):
        """Asks, and tells what was asked and what the answer was understood to say."""
        unit = asked["unit"]
        response = call(device_id=unit, **arguments)
        if self.counts_transactions:
            asked["transaction_id"] = response.transaction_id
        answer = {"exception": response.exception_code} if response.isError() else understood(response)
        tell(asked | answer)

    def ask_for_values(self, unit):
        client = self.client

        def read(call, function, address, count):
            asked = {"unit": unit, "function": function, "address": address, "quantity": count}
            self.ask(call, asked, values(count), address=address, count=count)

        def write(call, function, address, written, **arguments):
            told = [int(value) for value in written]
            asked = {"unit": unit, "function": function, "address": address, "quantity": len(written), "values": told}
            self.ask(call, asked, nothing, address=address, **arguments)

        bits = [True, False, True, True, False, False, True, False, True]
        write(client.write_coil, 5, 3, [True], value=True)
        write(client.write_coil, 5, 4, [False], value=False)
        write(client.write_coils, 15, 8, bits, values=bits)
        write(client.write_register, 6, 7, [0xBEEF], value=0xBEEF)
        write(client.write_registers, 16, 10, [1, 0x7FFF, 0xFFFF, unit], values=[1, 0x7FFF, 0xFFFF, unit])
        read(client.read_coils, 1, 3, 14)
        read(client.read_discrete_inputs, 2, 0, 9)
        read(client.read_holding_registers, 3, 7, 7)
        read(client.read_input_registers, 4, 0, 3)
        masks = {"and_mask": 0xFF00, "or_mask": 0x0012}
        asked = {"unit": unit, "function": 22, "address": 7, **masks}
        self.ask(client.mask_write_register, asked, nothing, address=7, **masks)
        read(client.read_holding_registers, 3, 7, 1)
        spans = {"read_address": 10, "write_address": 11}
        asked = {"unit": unit, "function": 23, **spans, "read_quantity": 4, "write_quantity": 2, "write_values": [5, 6]}
        understood = lambda response: {"read_values": response.registers}
        self.ask(client.readwrite_registers, asked, understood, **spans, read_count=4, values=[5, 6])

    def ask_for_refusals(self, unit):
        read = self.client.read_holding_registers
        for address, count in [(65535, 1), (60000, 125)]:
            asked = {"unit": unit, "function": 3, "address": address, "quantity": count}
            self.ask(read, asked, values(count), address=address, count=count)
        asked = {"unit": unit, "function": 6, "address": 65535, "quantity": 1, "values": [1]}
        self.ask(self.client.write_register, asked, nothing, address=65535, value=1)
        asked = {"unit": unit, "function": 5, "address": 65535, "quantity": 1, "values": [1]}
        self.ask(self.client.write_coil, asked, nothing, address=65535, value=True)

    def ask_for_diagnostics(self, unit):
        client = self.client

        def diagnose(call, sub_function, words, **arguments):
            told = {"sub_function": sub_function, "request": words}
            asked = {"unit": unit, "function": 8, "diagnostic": told}
            understood = lambda response: {"diagnostic": told | {"response": data(response.message)}}
            self.ask(call, asked, understood, **arguments)

        diagnose(client.diag_query_data, 0, [0xA537], msg=b"\xa5\x37")
        diagnose(client.diag_restart_communication, 1, [0xFF00], toggle=True)
        diagnose(client.diag_restart_communication, 1, [0], toggle=False)
        diagnose(client.diag_change_ascii_input_delimeter, 3, [0x0A00], delimiter=0x0A00)
        counters = {
            2: client.diag_read_diagnostic_register, 10: client.diag_clear_counters,
            11: client.diag_read_bus_message_count, 12: client.diag_read_bus_comm_error_count,
            13: client.diag_read_bus_exception_error_count, 14: client.diag_read_device_message_count,
            15: client.diag_read_device_no_response_count, 16: client.diag_read_device_nak_count,
            17: client.diag_read_device_busy_count, 18: client.diag_read_bus_char_overrun_count,
            19: client.diag_read_iop_overrun_count, 20: client.diag_clear_overrun_counter,
        }  # fmt: skip
        for sub_function, call in counters.items():
            diagnose(call, sub_function, [0])

    def ask_for_the_rest(self, unit, queue):
        client = self.client
        ask = lambda call, function, asked, understood, **arguments: self.ask(
            call, {"unit": unit, "function": function, **asked}, understood, **arguments
        )
        ask(client.read_exception_status, 7, {}, lambda response: {"exception_status": response.status})
        counter = lambda response: {"event_counter": {"status": status(response), "events": response.count}}
        ask(client.diag_get_comm_event_counter, 11, {}, counter)
        ask(client.diag_get_comm_event_log, 12, {}, lambda response: {"event_log": event_log(response)})
        ask(client.report_device_id, 17, {}, lambda response: {"server_id": server_id(response)})
        wanted = [FileRecord(file_number=4, record_number=1, record_length=20), FileRecord(3, 9, record_length=20)]
        contents = lambda response: {"file_records": [{"values": words(record.record_data)} for record in response.records]}
        ask(client.read_file_record, 20, {"file_records": [spot(record) for record in wanted]}, contents, records=wanted)
        written = [FileRecord(4, 7, record_data=b"\x06\xaf\x04\xbe\x10\x0d"), FileRecord(1, 2, record_data=b"\x00\x01")]
        told = [spot(record) | {"values": words(record.record_data)} for record in written]
        ask(client.write_file_record, 21, {"file_records": told}, nothing, records=written)
        if queue:
            held = lambda response: {"quantity": len(response.values), "values": response.values}
            ask(client.read_fifo_queue, 24, {"address": 1246}, held, address=1246)
        for code, object_id in [(1, 0), (2, 0), (3, 0), (3, 0x81), (4, 5), (4, 0x70)]:
            asked = {"mei": 14, "device_identification": {"code": code, "object_id": object_id}}
            ask(client.read_device_information, 43, asked, identification(asked), read_code=code, object_id=object_id)

    def broadcast(self):
        """Nobody answers what is said to unit 0 of a serial line."""
        written = {"address": 20, "values": [7, 8, 9]}
        self.client.write_registers(**written, device_id=0, no_response_expected=True)
        tell({"unit": 0, "function": 16, "quantity": 3, **written, "matched": False})
        time.sleep(0.2)


def tell(said):
    print(json.dumps({"modbus": said}), flush=True)


def nothing(_):
    return {}


def values(count):
    """The values of an answer, without the bits that only fill its last octet."""
    return lambda response: {"values": response.registers or [int(bit) for bit in response.bits[:count]]}


def words(octets):
    return [int.from_bytes(octets[at : at + 2]) for at in range(0, len(octets), 2)]


def data(message):
    if isinstance(message, bytes):
        return words(message)
    return list(message) if isinstance(message, (list, tuple)) else [message]


def status(response):
    return int(ModbusStatus.READY if response.status else ModbusStatus.WAITING)


def event_log(response):
    counts = {"events": response.event_count, "messages": response.message_count}
    return {"status": status(response), **counts, "log": response.events}


def server_id(response):
    indicator = b"\xff" if response.status else b"\x00"
    return {"id": (response.identifier + indicator).hex(), "running": response.status}


def spot(record):
    return {"reference_type": 6, "file": record.file_number, "record": record.record_number, "length": record.record_length}


def identification(asked):
    def understood(response):
        objects = [{"id": at, "value": value.decode()} for at, value in response.information.items()]
        found = {"conformity": response.conformity, "more_follows": response.more_follows == 0xFF, "objects": objects}
        found |= {"next_object_id": response.next_object_id}
        return {"device_identification": asked["device_identification"] | found}

    return understood


def pipeline(host):
    """Several requests in one segment, and one in two, from a socket of its own; answers in the order of the requests."""
    requests = [(transaction, unit, 10 + transaction) for transaction in range(8) for unit in UNITS[:1]]
    units = [adu(transaction, unit, bytes([3, 0, address, 0, 2])) for transaction, unit, address in requests]
    with socket.create_connection((host, PORT), PATIENCE_S) as stream:
        stream.sendall(b"".join(units[:5]))
        stream.sendall(units[5][:9])
        time.sleep(0.05)
        stream.sendall(units[5][9:] + units[6] + units[7])
        with stream.makefile("rb") as answers:
            for transaction, unit, address in requests:
                header = answers.read(7)
                body = answers.read(int.from_bytes(header[4:6]) - 1)
                assert header[:2] == transaction.to_bytes(2), "answers come in the order of the requests"
                asked = {"unit": unit, "transaction_id": transaction, "function": 3, "address": address, "quantity": 2}
                tell(asked | {"values": words(body[2:])})


def adu(transaction, unit, pdu):
    return transaction.to_bytes(2) + bytes(2) + (len(pdu) + 1).to_bytes(2) + bytes([unit]) + pdu


def serve(host, framing):
    """Starts a server of several units on a thread that ends with the process."""
    blocks = (
        [SimData(0, count=64, values=False, datatype=DataType.BITS)],
        [SimData(0, values=[True, False, False, True, True, False, True, True, True], datatype=DataType.BITS)],
        [SimData(0, count=64, values=0, datatype=DataType.REGISTERS)],
        [SimData(0, values=[0, 1, 0xFFFF], datatype=DataType.REGISTERS)],
    )
    identity = ModbusDeviceIdentification()
    for at, value in IDENTITY.items():
        identity[at] = value

    async def run():
        kind = ModbusUdpServer if framing == "udp" else ModbusTcpServer
        devices = [SimDevice(unit, simdata=blocks, identity=identity) for unit in UNITS]
        options = {"broadcast_enable": True} if framing in ("rtu", "ascii") else {}
        server = kind(devices, framer=FRAMERS[framing], identity=identity, address=(host, PORT), **options)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    if framing == "udp":
        time.sleep(0.5)


def connect(host, framing):
    kind = ModbusUdpClient if framing == "udp" else ModbusTcpClient
    client = kind(host, port=PORT, framer=FRAMERS[framing], timeout=PATIENCE_S, retries=0)
    deadline = time.monotonic() + PATIENCE_S
    while not client.connect():
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not accept connections")
        time.sleep(0.1)
    return client


if __name__ == "__main__":
    main()
