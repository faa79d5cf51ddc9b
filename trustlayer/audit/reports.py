"""What the audit store tells of many outcomes, as typed rows.

Every report takes a `Scope`, or a time with its zone: outcomes that started before it are left
out. Shares lie in [0, 1]; times are in seconds; money is in the currency of the prices, and
sums only what is known. Where nothing was counted, means and quantiles are None.
"""

from __future__ import annotations

from trustlayer.audit.detector_reports import (
    DetectorReport,
    RiskReport,
    UnexaminedReport,
    by_detector,
    risk_spreads,
    risks,
    unexamined,
)
from trustlayer.audit.gains import Gains, gains
from trustlayer.audit.model_reports import ModelReport, TemplateReport, by_model, by_template
from trustlayer.audit.outcome_reports import (
    ActionReport,
    Every,
    OutcomeLine,
    PeriodReport,
    Totals,
    by_action,
    lines,
    over_time,
    totals,
)
from trustlayer.audit.scope import Scope
from trustlayer.audit.spreads import Bar
from trustlayer.audit.summaries import summarise
from trustlayer.audit.timings import TimingReport, timings

__all__ = [
    "ActionReport",
    "Bar",
    "DetectorReport",
    "Every",
    "Gains",
    "ModelReport",
    "OutcomeLine",
    "PeriodReport",
    "RiskReport",
    "Scope",
    "TemplateReport",
    "TimingReport",
    "Totals",
    "UnexaminedReport",
    "by_action",
    "by_detector",
    "by_model",
    "by_template",
    "gains",
    "lines",
    "over_time",
    "risk_spreads",
    "risks",
    "summarise",
    "timings",
    "totals",
    "unexamined",
]
