"""Outcomes as OpenTelemetry spans and GenAI evaluation events.

Nothing is emitted unless the application has configured OpenTelemetry: without a provider its
API does nothing. No text of users goes out unless asked for.
"""

try:
    import opentelemetry._logs as _logs  # noqa: F401
except ImportError as error:
    error.add_note("spans need an extra: pip install 'trustlayer[otel]'")
    raise

from trustlayer_opentelemetry.store import Telemetry

__all__ = ["Telemetry"]
