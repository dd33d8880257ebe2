"""An opendnp3 outstation and master talk over the loopback interface: the master reads, operates and sets points.

Prints what the outstation answered to each command.
"""

import threading

import opendnp3 as dnp3

OUTSTATION, MASTER = 10, 1
ADDRESS, MASTERS_ADDRESS, PORT = "127.0.0.30", "127.0.0.31", 20000
PATIENCE_S = 10


class Commands(dnp3.ICommandHandler):
    """Takes every command, but knows no binary output 9."""

    def Select(self, command, index):
        return self.answer(index)

    def Operate(self, command, index, handler, op_type):
        return self.answer(index)

    @staticmethod
    def answer(index):
        return dnp3.CommandStatus.OUT_OF_RANGE if index == 9 else dnp3.CommandStatus.SUCCESS


class Listener(dnp3.IChannelListener):
    """Knows whether the channel is open."""

    def __init__(self):
        super().__init__()
        self.opened = threading.Event()

    def OnStateChange(self, state):
        if state == dnp3.ChannelState.OPEN:
            self.opened.set()


class Values(dnp3.ISOEHandler):
    def Process(self, info, values):
        pass


def outstation(manager, listener, handler):
    endpoint = dnp3.IPEndpoint(ADDRESS, PORT)
    mode = dnp3.ServerAcceptMode.CloseExisting
    channel = manager.AddTCPServer("outstation", dnp3.levels.NOTHING, mode, endpoint, listener)
    config = dnp3.OutstationStackConfig(dnp3.DatabaseConfig(10))
    config.link.LocalAddr, config.link.RemoteAddr = OUTSTATION, MASTER
    station = channel.AddOutstation("outstation", handler, dnp3.IOutstationApplication(), config)
    station.Enable()
    return channel, station


def master(manager, listener, values):
    retry = dnp3.ChannelRetry.Default()
    endpoint = dnp3.IPEndpoint(ADDRESS, PORT)
    channel = manager.AddTCPClient("master", dnp3.levels.NOTHING, retry, [endpoint], MASTERS_ADDRESS, listener)
    config = dnp3.MasterStackConfig()
    config.link.LocalAddr, config.link.RemoteAddr = MASTER, OUTSTATION
    station = channel.AddMaster("master", values, dnp3.IMasterApplication(), config)
    station.Enable()
    return channel, station


def issue(operate, command, index):
    done, results = threading.Event(), []

    def on_result(result):
        results.extend(result.to_list())
        done.set()

    operate(command, index, on_result)
    if not done.wait(PATIENCE_S):
        raise TimeoutError("the outstation does not answer")
    return results[0].status


def main():
    manager = dnp3.DNP3Manager(2)
    listeners, handler, values = (Listener(), Listener()), Commands(), Values()
    kept = [outstation(manager, listeners[0], handler)]
    channel, station = master(manager, listeners[1], values)
    if not listeners[1].opened.wait(PATIENCE_S):
        raise TimeoutError("the outstation does not accept connections")
    close = dnp3.ControlRelayOutputBlock(dnp3.OperationType.LATCH_ON)
    for operate, command, index in [
        (station.SelectAndOperate, close, 3),
        (station.DirectOperate, close, 4),
        (station.DirectOperate, dnp3.AnalogOutputFloat32(42.5), 1),
        (station.DirectOperate, dnp3.AnalogOutputInt16(-7), 2),
        (station.DirectOperate, close, 9),
    ]:
        print(index, issue(operate, command, index))
    manager.Shutdown()
    kept.clear()


if __name__ == "__main__":
    main()
