"""An agent without a model: it calls tools of MCP servers as it is told, and exports what it does as OpenTelemetry spans.

Usage: OTEL_SERVICE_NAME=NAME agent.py SPANS...

Reads a JSON object a line from standard input. {"server": NAME, "command": [...], "env": {...}} or {"server": NAME, "url": ...}
connects a server. {"server": NAME, "tool": NAME, "arguments": {...}, "notes": "arguments" | "call" | "nothing", "patience_s": n} calls
a tool; the span notes its arguments, or only that it is called, or there is none. Answers each with a line of JSON: what the server
reported, once the span is exported. Each of SPANS is a file to which requests in protobuf are added (one after the other they are one), or the
address of an OTLP receiver; OpenTelemetry's own variables tell the certificates.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class FileExporter(SpanExporter):
    """Writes what an exporter would send."""

    def __init__(self, path):
        self.path = path

    def export(self, spans):
        with open(self.path, "ab") as file:
            file.write(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS


class Agent:
    def __init__(self, exporters):
        self.provider = TracerProvider(resource=Resource.create())
        for exporter in exporters:
            self.provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
        trace.set_tracer_provider(self.provider)
        self.tracer = trace.get_tracer("agent")
        self.clients, self.open = {}, AsyncExitStack()

    async def run(self):
        loop = asyncio.get_running_loop()
        async with self.open:
            while line := await loop.run_in_executor(None, sys.stdin.readline):
                print(json.dumps(await self.step(json.loads(line)), default=str), flush=True)

    async def step(self, step):
        if "tool" not in step:
            client = Client(transport(step))
            self.clients[step["server"]] = await self.open.enter_async_context(client)
            return {"tools": sorted(tool.name for tool in await client.list_tools())}
        try:
            result = await self.call(**step)
            return {"failed": result.is_error, "said": result.structured_content or [part.text for part in result.content]}
        except Exception as error:  # whatever a server or its absence leads to is told
            return {"failed": True, "said": f"{type(error).__name__}: {error}"}
        finally:
            self.provider.force_flush()

    async def call(self, server, tool, arguments, notes, patience_s=20):
        """Calls a tool within the span that an agent's framework has for it (conventions for generative AI, `execute_tool`)."""
        call = self.clients[server].call_tool(tool, arguments, timeout=patience_s, raise_on_error=False)
        if notes == "nothing":
            with unheard():
                return await call
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.agent.name": "planner"}
        if notes == "arguments":
            attributes["gen_ai.tool.call.arguments"] = json.dumps(arguments)
        with self.tracer.start_as_current_span(f"execute_tool {tool}", attributes=attributes):
            return await call


def unheard():
    """Nothing of what is done within is exported, as where an agent has no telemetry."""
    silent = trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(0))
    return trace.use_span(trace.NonRecordingSpan(silent))


def transport(step):
    if "url" in step:
        return StreamableHttpTransport(step["url"])
    command, *arguments = step["command"]
    return StdioTransport(command, arguments, env=step.get("env", {}))


def exporter_to(target):
    return OTLPSpanExporter(f"{target}/v1/traces") if "://" in target else FileExporter(target)


if __name__ == "__main__":
    asyncio.run(Agent([exporter_to(target) for target in sys.argv[1:]]).run())
