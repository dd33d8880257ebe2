"""Prints what DNP3 stacks say they meant, a JSON line for each message, in the words of tagout's records."""

import datetime
import json

COMMON_FLAGS = ["ONLINE", "RESTART", "COMM_LOST", "REMOTE_FORCED", "LOCAL_FORCED"]
LAST_FLAGS = {
    1: ["CHATTER_FILTER", "RESERVED", "STATE"],
    3: ["CHATTER_FILTER", "STATE_0", "STATE_1"],
    10: ["RESERVED_0", "RESERVED_1", "STATE"],
    20: ["ROLLOVER", "DISCONTINUITY", "RESERVED"],
    30: ["OVER_RANGE", "REFERENCE_ERR", "RESERVED"],
}
KINDS = {1: 1, 2: 1, 3: 3, 4: 3, 10: 10, 11: 10, 20: 20, 21: 20, 22: 20, 23: 20, 30: 30, 32: 30, 40: 30, 42: 30}
INDICATIONS = [
    "BROADCAST", "CLASS_1_EVENTS", "CLASS_2_EVENTS", "CLASS_3_EVENTS",
    "NEED_TIME", "LOCAL_CONTROL", "DEVICE_TROUBLE", "DEVICE_RESTART",
    "NO_FUNC_CODE_SUPPORT", "OBJECT_UNKNOWN", "PARAMETER_ERROR", "EVENT_BUFFER_OVERFLOW",
    "ALREADY_EXECUTING", "CONFIG_CORRUPT",
]  # fmt: skip
READ, WRITE, SELECT, OPERATE, DIRECT_OPERATE = 1, 2, 3, 4, 5


def tell(function, objects=None, **fields):
    """Tells of an exchange; of its objects only where they are given."""
    said = {"function": function, **fields}
    if objects is not None:
        said["objects"] = objects
    print(json.dumps({"dnp3": said}), flush=True)


def tell_whenever(functions, **fields):
    """Tells of exchanges that a stack has of its own accord, sooner or later."""
    print(json.dumps([{"dnp3": {"function": function, **fields}} for function in functions]), flush=True)


def tell_link(function, answer):
    """Tells of link functions that carry no application fragment."""
    print(json.dumps({"dnp3": {"link": {"request": {"function": function}, "response": {"function": answer}}}}), flush=True)


def request(group, variation, points=()):
    return {"from": "request", "group": group, "variation": variation, "points": list(points)}


def response(group, variation, points):
    return {"from": "response", "group": group, "variation": variation, "points": list(points)}


def file(side, variation, **fields):
    """An object of file control."""
    return side(70, variation, [{"file": fields}])


def flags(group, octet):
    """The names of the flags that an octet has."""
    names = COMMON_FLAGS + LAST_FLAGS[KINDS[group]]
    return [name for bit, name in enumerate(names) if octet >> bit & 1]


def indications(first, second):
    """The names of the indications in two octets."""
    both = first | second << 8
    return [name for bit, name in enumerate(INDICATIONS) if both >> bit & 1]


def time(milliseconds):
    moment = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f%z")
