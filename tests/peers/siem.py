"""What the receivers' content says of alerts: `siem.py FOLDER < alerts.jsonl` prints, for each rule, how many alerts it matches.

Sigma rules are read by pySigma, Wazuh's and Splunk's files by Python's own parsers. A field that no alert has is an error.
"""

import configparser
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import yaml
from sigma.collection import SigmaCollection


def field(record, path):
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def text(value):
    return "" if value is None else str(value)


def sigma(folder, alerts):
    for path in sorted(folder.glob("*.yml")):
        rules = SigmaCollection.from_yaml(path.read_text())
        assert not rules.errors and len(rules.rules) == 1, (path, rules.errors)
        detection = yaml.safe_load(path.read_text())["detection"]
        assert detection["condition"] == "selection", path
        wanted = {name: value if isinstance(value, list) else [value] for name, value in detection["selection"].items()}
        matches = [alert for alert in alerts if all(field(alert, name) in values for name, values in wanted.items())]
        yield path.name, wanted.keys(), len(matches)


def wazuh(path, alerts):
    """Rules in the order of the file, each below one of those that it names."""
    matched = {}
    for rule in ElementTree.parse(path).getroot().iter("rule"):
        below = rule.findtext("if_sid")
        candidates = alerts if below is None else [alert for sid in below.split(",") for alert in matched[sid]]
        fields = {element.get("name"): element.text.replace(r"\.+", ".+") for element in rule.iter("field")}
        is_match = lambda alert: all(re.search(pattern, text(field(alert, name))) for name, pattern in fields.items())
        matched[rule.get("id")] = [alert for alert in candidates if is_match(alert)]
        told = re.findall(r"\$\(([^)]+)\)", rule.findtext("description"))
        yield rule.get("id"), [*fields, *told], len(matched[rule.get("id")])


def splunk(path):
    """Every field that is given another name or calculated with."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path)
    for key, value in parser["tagout"].items():
        if key.startswith("FIELDALIAS-"):
            yield from re.findall(r"(\S+) AS \S+", value)
        elif key.startswith("EVAL-"):
            yield from re.findall(r"'([^']+)'", value)


def searches(path):
    """Every field that a saved search looks for or groups by."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read(path)
    for name in parser.sections():
        search = parser[name]["search"]
        assert search.startswith("sourcetype=tagout ") and parser[name]["cron_schedule"], name
        yield from (field for field in re.findall(r"([\w.]+)=", search.split("|")[0]) if field != "sourcetype")
        yield from re.findall(r"BY (\S+)", search)


def monitor(path):
    """Every field of a record that a monitor of Wazuh's indexer names; it has them under `data`."""
    return re.findall(r'"data\.([\w.]+)"', json.dumps(json.loads(path.read_text())))


def main():
    folder = Path(sys.argv[1])
    alerts = [json.loads(line) for line in sys.stdin]
    used = {*splunk(folder / "splunk/props.conf"), *searches(folder / "splunk/savedsearches.conf")}
    used.update(monitor(folder / "wazuh/heartbeat_monitor.json"))
    for name, fields, count in [*sigma(folder / "sigma", alerts), *wazuh(folder / "wazuh/tagout_rules.xml", alerts)]:
        used.update(fields)
        print(name, count)
    unknown = [path for path in sorted(used) if all(field(alert, path) is None for alert in alerts)]
    assert not unknown, f"no alert has {unknown}"


main()
