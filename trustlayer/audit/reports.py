"""What the audit store tells of many outcomes, as typed rows.

Every report takes a `Scope`, or a time with its zone: outcomes that started before it are left
out. Shares lie in [0, 1]; times are in seconds; money is in the currency of the prices, and
sums only what is known. Where nothing was counted, means and quantiles are None.
"""

from __future__ import annotations

from trustlayer.audit.calibration_reports import CalibrationReport, calibrations
from trustlayer.audit.detector_reports import (
    DetectorReport,
    RiskReport,
    UnexaminedReport,
    by_detector,
    risk_spreads,
    risks,
    unexamined,
)
from trustlayer.audit.drift import DriftReport, drift
from trustlayer.audit.gains import Gains, LabelledGains, gains, labelled_gains
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
from trustlayer.audit.quality import RateReport, bad_rates
from trustlayer.audit.scope import Scope
from trustlayer.audit.spreads import Bar
from trustlayer.audit.summaries import summarise
from trustlayer.audit.timings import TimingReport, timings

__all__ = [
    "ActionReport",
    "Bar",
    "CalibrationReport",
    "DetectorReport",
    "DriftReport",
    "Every",
    "Gains",
    "LabelledGains",
    "ModelReport",
    "OutcomeLine",
    "PeriodReport",
    "RateReport",
    "RiskReport",
    "Scope",
    "TemplateReport",
    "TimingReport",
    "Totals",
    "UnexaminedReport",
    "bad_rates",
    "by_action",
    "by_detector",
    "by_model",
    "by_template",
    "calibrations",
    "drift",
    "gains",
    "labelled_gains",
    "lines",
    "over_time",
    "risk_spreads",
    "risks",
    "summarise",
    "timings",
    "totals",
    "unexamined",
]
