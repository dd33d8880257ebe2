"""An opendnp3 master talks to an opendnp3 outstation.

Usage: opendnp3_master.py HOST {tcp,udp}

Port 20000 of HOST. Prints a JSON line for each message: what tagout's record has to say of it, as the stacks meant and
understood it.
"""

import queue
import sys
import time

import opendnp3 as dnp3
import told
from outstation import ADDRESS, BLOCK, FILES, HANDLE, KEY, MASTER, POINTS, Outstation

PATIENCE_S = 10
#: 2023-11-14T22:13:20.123Z
MOMENT = 1_700_000_000_123
STATIC = {
    1: [1, 2], 3: [1, 2], 10: [1, 2], 20: [1, 2, 5, 6], 21: [1, 2, 5, 6, 9, 10],
    30: [1, 2, 3, 4, 5, 6], 40: [1, 2, 3, 4],
}  # fmt: skip
EVENTS = {
    2: [1, 2], 4: [1, 2], 11: [1, 2], 22: [1, 2, 5, 6], 23: [1, 2, 5, 6],
    32: [1, 2, 3, 4, 5, 6, 7, 8], 42: [1, 2, 3, 4, 5, 6, 7, 8],
}  # fmt: skip
#: Groups whose variation is the length of their strings, which opendnp3 calls variation 0.
STRINGS = (110, 111)
OPERATIONS = ["NUL", "PULSE_ON", "PULSE_OFF", "LATCH_ON", "LATCH_OFF"]
ANALOG_OUTPUTS = [
    (dnp3.AnalogOutputInt32, 1, -2_000_000), (dnp3.AnalogOutputInt16, 2, -7),
    (dnp3.AnalogOutputFloat32, 3, 42.5), (dnp3.AnalogOutputDouble64, 4, 1e100),
]  # fmt: skip


def main(host, transport):
    manager = dnp3.DNP3Manager(2)
    here = {"tcp": "127.0.0.1", "udp": "127.0.41.99"}[transport]
    outstation = Outstation(manager, host, here if transport == "udp" else None)
    master = Master(manager, host, here, transport)
    master.await_task("ENABLE_UNSOLICITED")
    told.tell_whenever((21, 2, 1, 20), matched=True, source=MASTER, destination=ADDRESS)
    change(outstation.station, 1)
    master.hear_unsolicited()
    for group, variations in STATIC.items():
        for variation in variations:
            header = dnp3.Header.Range8(group, variation, 0, POINTS - 1)
            master.read([header], [told.request(group, variation)])
    master.disable_unsolicited()
    for group, variations in EVENTS.items():
        for variation in variations:
            change(outstation.station, variation)
            master.read([dnp3.Header.AllObjects(group, variation)], [told.request(group, variation)])
    master.poll_classes(outstation.station)
    master.read_the_rest()
    master.command()
    master.administer(outstation)
    master.transfer_files()
    manager.Shutdown()


def change(station, seed):
    """Lets every point 1 have an event, with values that the smallest format can tell."""
    update, force = dnp3.UpdateBuilder(), dnp3.EventMode.Force
    for measured, flags in [
        (dnp3.Binary(True), 0x01), (dnp3.DoubleBitBinary(dnp3.DoubleBit.DETERMINED_ON), 0x05),
        (dnp3.BinaryOutputStatus(seed % 2 == 0), 0x01), (dnp3.Counter(1000 + seed), 0x11),
        (dnp3.Analog(seed - 40), 0x21), (dnp3.AnalogOutputStatus(seed), 0x41),
    ]:  # fmt: skip
        measured.flags, measured.time = dnp3.Flags(flags), dnp3.DNPTime(MOMENT + seed)
        update.Update(measured, 1, force)
    update.FreezeCounter(1, False, force)
    station.Apply(update.Build())


class Values(dnp3.ISOEHandler):
    """Puts what each fragment brought into a queue."""

    def __init__(self):
        super().__init__()
        self.fragments, self.objects = queue.Queue(), []

    def BeginFragment(self, info):
        self.objects = []

    def Process(self, info, values):
        group, variation = divmod(info.gv.value, 256)
        points = [point(group, variation, each) for each in values]
        if (group, variation) in RELATIVE:
            self.objects.append(told.response(51, 1, [{"value": points[0]["time"]}]))
        if group in STRINGS:
            variation = len(points[0]["value"]) // 2
        self.objects.append(told.response(group, variation, points))

    def OnDeviceAttribute(self, info, device_set, variation, value):
        code, field = ATTRIBUTE_TYPES[value.type.name]
        said = getattr(value, field)
        said = told.time(said) if field == "timeValue" else said
        points = [{"index": device_set, "value": said, "attribute": {"data_type": code}}]
        self.objects.append(told.response(0, variation, points))

    def EndFragment(self, info):
        self.fragments.put(self.objects)


def point(group, variation, indexed):
    value = indexed.value
    said = {"index": indexed.index}
    if isinstance(value, dnp3.OctetString):
        return said | {"value": bytes(value.ToBytes()).hex()}
    if isinstance(value, dnp3.TimeAndInterval):
        return said | {"value": interval(value)}
    said["value"] = number(value.value)
    if (group, variation) not in PLAIN:
        said["flags"] = told.flags(group, value.flags.value)
    if value.time.value and (group, variation) in TIMED:
        said["time"] = told.time(value.time.value)
    return said


#: Formats without flags, those whose times count from a common one, and all with times.
PLAIN = {(1, 1), (3, 1), (10, 1), (20, 5), (20, 6), (21, 9), (21, 10), (30, 3), (30, 4)}
RELATIVE = {(2, 3), (4, 3)}
TIMED = RELATIVE | {(group, 2) for group in (2, 4, 11)} | {(group, 5) for group in (21, 22, 23)}
TIMED |= {(group, 6) for group in (21, 22, 23)} | {(group, variation) for group in (32, 42) for variation in (3, 4, 7, 8)}


#: The code of each type of attribute, and where opendnp3 has its value.
ATTRIBUTE_TYPES = {
    "VISIBLE_STRING": (1, "stringValue"), "UNSIGNED_INT": (2, "unsignedValue"), "SIGNED_INT": (3, "signedValue"),
    "FLOATING_POINT": (4, "floatValue"), "DNP3_TIME": (7, "timeValue"),
}  # fmt: skip


def interval(value):
    unit = dnp3.IntervalUnits(value.units).name.lower()
    start = told.time(value.time.value)
    return {"start": start, "interval": value.interval, "unit": {"norepeat": "none"}.get(unit, unit)}


def number(value):
    if isinstance(value, dnp3.DoubleBit):
        return value.value
    return int(value) if isinstance(value, bool) else value


class Application(dnp3.IMasterApplication):
    def __init__(self):
        super().__init__()
        self.tasks, self.indications = queue.Queue(), (0, 0)

    def OnTaskComplete(self, info):
        self.tasks.put((info.type.name, info.result.name))

    def OnReceiveIIN(self, iin):
        self.indications = (iin.LSB, iin.MSB)


class Listener(dnp3.IChannelListener):
    def OnStateChange(self, state):
        pass


class Master:
    def __init__(self, manager, host, here, transport):
        self.values, self.application, self.listener = Values(), Application(), Listener()
        there, levels = dnp3.IPEndpoint(host, 20000), dnp3.levels.NOTHING
        retry = dnp3.ChannelRetry.Default()
        if transport == "udp":
            local = dnp3.IPEndpoint(here, 20000)
            self.channel = manager.AddUDPChannel("m", levels, retry, local, there, self.listener)
        else:
            self.channel = manager.AddTCPClient("m", levels, retry, [there], here, self.listener)
        config = dnp3.MasterStackConfig()
        config.link.LocalAddr, config.link.RemoteAddr = MASTER, ADDRESS
        config.master.taskRetryPeriod = dnp3.TimeDuration.Seconds(1)
        lan = transport == "tcp"
        config.master.timeSyncMode = dnp3.TimeSyncMode.LAN if lan else dnp3.TimeSyncMode.NonLAN
        self.procedure = ("LAN_TIME_SYNC", 24, 3) if lan else ("NON_LAN_TIME_SYNC", 23, 1)
        self.station = self.channel.AddMaster("m", self.values, self.application, config)
        self.station.Enable()

    def await_task(self, kind="USER_TASK", result="SUCCESS"):
        while True:
            task, came_to = self.application.tasks.get(timeout=PATIENCE_S)
            if task != kind or (task != "USER_TASK" and came_to != result):
                # The master tries its own tasks again.
                continue
            assert came_to == result or result is None, f"{task}: {came_to}"
            return

    def hear_unsolicited(self):
        """Tells of the reports that came unasked since the start."""
        time.sleep(0.5)
        while not self.values.fragments.empty():
            objects = self.values.fragments.get()
            told.tell(130, objects) if any(each["group"] in EVENTS for each in objects) else None

    def read(self, headers, asked):
        """Reads; tells of each fragment that comes back."""
        values = Values()
        self.station.Scan(headers, values)
        self.await_task()
        part = 0
        while not values.fragments.empty():
            part += 1
            told.tell(told.READ, asked + values.fragments.get(), part=part)

    def perform(self, function, headers, asked, **fields):
        """Asks for a function that brings no values."""
        self.station.PerformFunction("peer", dnp3.FunctionCode(function), headers)
        self.await_task()
        told.tell(function, asked, matched=True, **fields)

    def disable_unsolicited(self):
        classes = [told.request(60, variation) for variation in (2, 3, 4)]
        self.perform(21, [dnp3.Header.AllObjects(60, variation) for variation in (2, 3, 4)], classes)

    def poll_classes(self, station):
        """Each class alone and all together, with the points spread over them by an assignment of classes."""
        groups = {2: 1, 3: 20, 4: 30}
        headers = [[dnp3.Header.AllObjects(60, each), dnp3.Header.AllObjects(group, 0)] for each, group in groups.items()]
        asked = [[told.request(60, each), told.request(group, 0)] for each, group in groups.items()]
        self.perform(22, sum(headers, []), sum(asked, []))
        for classes in ([1], [2], [3], [1, 2, 3, 0], [0]):
            change(station, 3)
            headers = [dnp3.Header.AllObjects(60, 1 + each) for each in classes]
            self.read(headers, [told.request(60, 1 + each) for each in classes])

    def read_the_rest(self):
        for group, variation in [(50, 4), (110, 0), (0, 254), (30, 99), (101, 1)]:
            self.read([dnp3.Header.AllObjects(group, variation)], [told.request(group, variation)])
        self.read([dnp3.Header.Range16(30, 1, 2, 3)], [told.request(30, 1)])
        self.read([dnp3.Header.Count8(2, 1, 1), dnp3.Header.Count16(32, 7, 2)], [told.request(2, 1), told.request(32, 7)])

    def command(self):
        code = lambda operation, trip, clear: operation.value | trip.value << 6 | clear << 5
        for name in OPERATIONS:
            operation = dnp3.OperationType.__members__[name]
            for trip in dnp3.TripCloseCode.__members__.values():
                crob = dnp3.ControlRelayOutputBlock(operation, trip, name == "NUL", 2, 1500, 250)
                fields = {"code": code(operation, trip, name == "NUL"), "count": 2, "on_time_ms": 1500, "off_time_ms": 250}
                fields["operation"] = name
                self.issue(self.station.DirectOperate, crob, 4, (12, 1), {"control": fields}, [told.DIRECT_OPERATE])
        latch = dnp3.ControlRelayOutputBlock(dnp3.OperationType.LATCH_ON)
        fields = {"code": 3, "count": 1, "on_time_ms": 100, "off_time_ms": 100}
        self.issue(self.station.SelectAndOperate, latch, 3, (12, 1), {"control": fields}, [told.SELECT, told.OPERATE])
        self.issue(self.station.SelectAndOperate, latch, 9, (12, 1), {"control": fields}, [told.SELECT])
        for kind, variation, value in ANALOG_OUTPUTS:
            sent = {"value": value}
            self.issue(self.station.DirectOperate, kind(value), 1, (41, variation), sent, [told.DIRECT_OPERATE])
            functions = [told.SELECT, told.OPERATE]
            self.issue(self.station.SelectAndOperate, kind(value), 2, (41, variation), sent, functions)
        self.issue(self.station.DirectOperate, dnp3.AnalogOutputInt16(1), 9, (41, 2), {"value": 1}, [told.DIRECT_OPERATE])

    def issue(self, operate, command, index, kind, sent, functions):
        """Operates; tells of each message with what was sent and how it was answered."""
        results = queue.Queue()
        operate(command, index, lambda result: results.put(result.to_list()))
        [result] = results.get(timeout=PATIENCE_S)
        self.await_task()
        sent = {"index": index, **sent}
        for function in functions:
            answer = {"status": result.status.value, "status_name": result.status.name}
            objects = [told.request(*kind, [sent | {"status": 0}]), told.response(*kind, [sent | answer])]
            selected = {"select": {"matches": True, "in_sequence": True}} if function == told.OPERATE else {}
            told.tell(function, objects, matched=True, **selected)

    def administer(self, outstation):
        for kind, function in [("ImmediateFreeze", 7), ("FreezeAndClear", 9), ("ImmediateFreezeNR", 8), ("FreezeAndClearNR", 10)]:
            self.station.Freeze(dnp3.FreezeType.__members__[kind], [dnp3.Header.AllObjects(20, 0)])
            self.await_task()
            told.tell(function, [told.request(20, 0)], matched=function in (7, 9))
        bands = [dnp3.IndexedAnalogInputDeadband(dnp3.AnalogInputDeadband(2.5), 1)]
        self.ask(lambda heard: self.station.WriteDeadBands(bands, heard), None)
        told.tell(told.WRITE, source=MASTER, destination=ADDRESS)
        written = dnp3.TimeAndInterval(dnp3.DNPTime(MOMENT), 3, dnp3.IntervalUnits.Minutes)
        self.station.Write(written, 2)
        self.await_task(result=None)
        points = [{"index": 2, "value": interval(written)}]
        told.tell(told.WRITE, [told.request(50, 4, points)])
        self.restart(dnp3.RestartType.COLD, 13, (52, 1), 65_000)
        self.restart(dnp3.RestartType.WARM, 14, (52, 2), 1234)
        self.synchronize(outstation)
        heard = queue.Queue()
        self.station.CheckLinkStatus(heard.put)
        assert heard.get(timeout=PATIENCE_S), "the link answers"
        told.tell_link(9, 11)

    def transfer_files(self):
        user, password = "operator", "secret"
        answer = self.ask(lambda heard: self.station.AuthenticateFile(user, password, heard))
        asked = told.file(told.request, 2, user_name=user, password_octets=len(password))
        told.tell(29, [asked, told.file(told.response, 2, key=answer.authKey)])
        for name in FILES:
            answer = self.ask(lambda heard: self.station.GetFileInfo(name, heard)).info
            fields = {"name": answer.fileName, "size": answer.size, "file_type": answer.type.value}
            described = told.file(told.response, 7, created=told.time(answer.timeOfCreation), **fields)
            told.tell(28, [told.file(told.request, 7, name=name), described])
            for key in (0, KEY):
                answer = self.ask(lambda heard: self.station.ReadFileWithAuth(name, key, heard))
                assert answer.data == FILES[name], "the file comes as it is"
                self.tell_of_reading(name, key, answer.data)
        answer = self.ask(lambda heard: self.station.ReadFile("missing", heard))
        opened = told.file(told.request, 3, name="missing", mode=1)
        told.tell(25, [opened, told.file(told.response, 4, status=answer.statusCode.value)])
        self.change_files()

    def tell_of_reading(self, name, key, data):
        opened = told.file(told.request, 3, name=name, key=key, mode=1, mode_name="READ")
        told.tell(25, [opened, told.file(told.response, 4, handle=HANDLE, size=len(data), status=0)])
        blocks = max(1, -(-len(data) // BLOCK))
        for block in range(blocks):
            octets, last = len(data[block * BLOCK :][:BLOCK]), block + 1 == blocks
            answer = told.file(told.response, 5, handle=HANDLE, block=block, last=last, data_octets=octets)
            asked = told.file(told.request, 5, handle=HANDLE, block=block)
            told.tell(told.READ, [asked, answer], file={"name": name, "block": block})
        told.tell(26, [told.file(told.request, 4, handle=HANDLE), told.file(told.response, 4, status=0)])

    def change_files(self):
        mine = dnp3.FilePermissions(*[dnp3.FilePermissionSet(True, write, False) for write in (True, False, False)])
        self.ask(lambda heard: self.station.WriteFile("empty", b"new", mine, heard))
        permissions = ["WORLD_READ", "GROUP_READ", "OWNER_WRITE", "OWNER_READ"]
        opened = told.file(told.request, 3, name="empty", size=3, mode=2, permissions=permissions)
        told.tell(25, [opened, told.file(told.response, 4, status=0)])
        for name in ("empty", "missing"):
            answer = self.ask(lambda heard: self.station.DeleteFile(name, heard))
            deleted = told.file(told.response, 4, status=answer.statusCode.value)
            told.tell(27, [told.file(told.request, 3, name=name), deleted])
        answer = self.ask(lambda heard: self.station.AbortFile(HANDLE, heard))
        asked = told.file(told.request, 4, handle=HANDLE)
        told.tell(30, [asked, told.file(told.response, 4, status=answer.statusCode.value)])

    def ask(self, call, result="SUCCESS"):
        heard = queue.Queue()
        call(heard.put)
        answer = heard.get(timeout=PATIENCE_S)
        self.await_task(result=result)
        return answer

    def restart(self, kind, function, answer, milliseconds):
        self.ask(lambda heard: self.station.Restart(kind, heard))
        unit = 1000 if answer == (52, 1) else 1
        told.tell(function, [told.response(*answer, [{"index": 0, "value": milliseconds // unit}])])

    def synchronize(self, outstation):
        """Lets the outstation ask for the time in its next response; the master then follows its procedure."""
        outstation.application.needs_time.set()
        self.read([dnp3.Header.Range8(1, 2, 0, 0)], [told.request(1, 2)])
        [kind, first, variation] = self.procedure
        self.await_task(kind)
        if first == 24:
            told.tell(first, [])
        else:
            told.tell(first)
        [written] = outstation.application.times
        if variation == 1:
            told.tell(told.WRITE, [told.request(50, variation, [{"value": told.time(written)}])])
        else:
            told.tell(told.WRITE)


if __name__ == "__main__":
    main(*sys.argv[1:])
