"""Outcomes as OpenTelemetry spans and GenAI evaluation events.

Nothing is emitted unless the application has configured OpenTelemetry: without a provider its
API does nothing. No text of users goes out unless asked for.
"""

from trustlayer_opentelemetry.store import Telemetry

__all__ = ["Telemetry"]
