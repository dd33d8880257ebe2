"""Reads a page of metrics from standard input as Prometheus' own client does, and prints every sample as a line of JSON."""

import json
import sys

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text

PARSERS = {"text": text, "openmetrics": openmetrics}


def main() -> None:
    parser = PARSERS[sys.argv[1]]
    for family in parser.text_string_to_metric_families(sys.stdin.read()):
        assert family.documentation, family
        for sample in family.samples:
            value = str(sample.value) if sample.value != sample.value else sample.value
            told = {"family": family.name, "type": family.type, "name": sample.name, "labels": sample.labels, "value": value}
            print(json.dumps(told))


main()
