"""An opendnp3 outstation of ten points of every type."""

import threading

import opendnp3 as dnp3

ADDRESS, MASTER = 10, 1
POINTS = 10
#: Octets of the largest fragment, so that a class 0 poll takes several.
FRAGMENT = 249
FILES = {"settings.cfg": bytes(range(256)) * 6, "empty": b""}
BLOCK = 200
HANDLE, KEY, CREATED = 77, 0xCAFE, 1_700_000_000_123


class Commands(dnp3.ICommandHandler):
    """Takes every command, but knows no output 9."""

    def Select(self, command, index):
        return self.answer(index)

    def Operate(self, command, index, handler, op_type):
        return self.answer(index)

    @staticmethod
    def answer(index):
        return dnp3.CommandStatus.OUT_OF_RANGE if index == 9 else dnp3.CommandStatus.SUCCESS


class Application(dnp3.IOutstationApplication):
    """Asks for the time until it gets it, and offers whatever the stack can."""

    def __init__(self):
        super().__init__()
        self.needs_time = threading.Event()
        self.times = []

    def GetApplicationIIN(self):
        indications = dnp3.ApplicationIIN()
        indications.needTime = self.needs_time.is_set()
        return indications

    def SupportsWriteAbsoluteTime(self):
        return True

    def WriteAbsoluteTime(self, timestamp):
        self.times.append(timestamp.msSinceEpoch)
        self.needs_time.clear()
        return True

    def SupportsWriteTimeAndInterval(self):
        return True

    def WriteTimeAndInterval(self, values):
        return True

    def SupportsAssignClass(self):
        return True

    def RecordClassAssignment(self, kind, point_class, start, stop):
        pass

    def ColdRestartSupport(self):
        return dnp3.RestartMode.SUPPORTED_DELAY_COARSE

    def ColdRestart(self):
        return 65

    def WarmRestartSupport(self):
        return dnp3.RestartMode.SUPPORTED_DELAY_FINE

    def WarmRestart(self):
        return 1234


class Files(dnp3.IFileHandler):
    """Lets files be read, one at a time, by everyone."""

    def __init__(self):
        super().__init__()
        self.contents = b""

    def OpenFile(self, name, key, permissions, mode, max_block_size, request_id):
        result = dnp3.FileOpenResult()
        result.status = self.status(name)
        if name in FILES:
            self.contents = FILES[name]
            result.fileHandle, result.fileSize, result.maxBlockSize = HANDLE, len(self.contents), BLOCK
        return result

    def ReadBlock(self, handle, number):
        result = dnp3.FileBlockResult()
        result.data = list(self.contents[number * BLOCK :][:BLOCK])
        result.lastBlock = (number + 1) * BLOCK >= len(self.contents)
        return result

    def CloseFile(self, handle, request_id):
        return dnp3.FileStatus.SUCCESS

    def AbortFile(self, handle):
        pass

    def DeleteFile(self, name):
        return self.status(name)

    def GetFileInfo(self, name):
        result = dnp3.FileCommandResult()
        info = dnp3.FileInfo()
        info.fileName, info.size, info.timeOfCreation = name, len(FILES.get(name, b"")), CREATED
        result.info, result.status = info, self.status(name)
        return result

    def AuthenticateFile(self, user, password):
        result = dnp3.OutstationFileAuthResult()
        result.authKey, result.status = KEY, dnp3.FileStatus.SUCCESS
        return result

    @staticmethod
    def status(name):
        return dnp3.FileStatus.SUCCESS if name in FILES else dnp3.FileStatus.FILE_NOT_FOUND


class Outstation:
    """Listens on TCP, or on UDP where a master's address is given."""

    def __init__(self, manager, address, master_on_udp=None, unsolicited=True):
        self.application, self.commands, self.files = Application(), Commands(), Files()
        here, levels = dnp3.IPEndpoint(address, 20000), dnp3.levels.NOTHING
        if master_on_udp:
            there = dnp3.IPEndpoint(master_on_udp, 20000)
            self.channel = manager.AddUDPChannel("o", levels, dnp3.ChannelRetry.Default(), here, there, None)
        else:
            self.channel = manager.AddTCPServer("o", levels, dnp3.ServerAcceptMode.CloseExisting, here, None)
        config = dnp3.OutstationStackConfig(dnp3.DatabaseConfig(POINTS))
        config.link.LocalAddr, config.link.RemoteAddr = ADDRESS, MASTER
        config.outstation.eventBufferConfig = dnp3.EventBufferConfig.AllTypes(100)
        config.outstation.params.allowUnsolicited = unsolicited
        config.outstation.params.maxTxFragSize = FRAGMENT
        # opendnp3 misses a confirm that arrives before it knows that its response was sent.
        config.outstation.params.solConfirmTimeout = dnp3.TimeDuration.Milliseconds(500)
        config.outstation.params.unsolConfirmTimeout = dnp3.TimeDuration.Milliseconds(500)
        self.station = self.channel.AddOutstation("o", self.commands, self.application, config, self.files)
        self.station.Enable()
