"""Sends a span of a tool call with OpenTelemetry's own exporters, and prints what they say became of it.

usage: spans.py http|grpc ENDPOINT ARGUMENTS [ca certificate key]
"""

import json
import sys

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter


class Told(SpanExporter):
    """Tells what another exporter says."""

    def __init__(self, exporter):
        self.exporter = exporter

    def export(self, spans):
        result = self.exporter.export(spans)
        print(result.name, flush=True)
        return result

    def shutdown(self):
        self.exporter.shutdown()


def over_http(endpoint, tls):
    files = dict(zip(("certificate_file", "client_certificate_file", "client_key_file"), tls))
    return Http(endpoint=endpoint, compression=Compression.Gzip, timeout=5, **files)


def over_grpc(endpoint, tls):
    import grpc

    credentials = None
    if tls:
        ca, certificate, key = (open(path, "rb").read() for path in tls)
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return Grpc(
        endpoint=endpoint, insecure=not tls, credentials=credentials, compression=grpc.Compression.Gzip, timeout=5
    )


def main():
    kind, endpoint, arguments, *tls = sys.argv[1:]
    exporter = {"http": over_http, "grpc": over_grpc}[kind](endpoint, tls)
    provider = TracerProvider(resource=Resource.create({"service.name": "planner"}))
    provider.add_span_processor(SimpleSpanProcessor(Told(exporter)))
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "write_register",
        "gen_ai.tool.call.arguments": json.dumps(json.loads(arguments)),
    }
    provider.get_tracer("plant").start_span("execute_tool write_register", attributes=attributes).end()
    provider.shutdown()


main()
