"""Test what is said of the model that gives the risks of no order."""

from __future__ import annotations

from analysis.forecast.text_lapse import lapse_source, lapse_without_model


def test_the_model_behind_the_risks_is_named_with_what_it_has_learned_from() -> None:
    known = lapse_source(True, "logistic regression", True, "2010-12-10", 90)
    assert known is not None
    assert "the logistic regression of the forecast" in known["said"]
    assert "the 90 days from 10 December 2010" in known["said"]
    latest = lapse_source(True, "logistic regression", False, "2010-12-10", 60)
    assert latest is not None and "the latest 60 days" in latest["said"]
    assert "2010" not in latest["said"]


def test_without_a_model_nothing_is_said_of_its_source() -> None:
    assert lapse_source(False, "logistic regression", True, "2010-12-10", 90) is None
    assert lapse_source(True, None, True, "2010-12-10", 90) is None
    assert lapse_without_model(True, "", 90, None, None) is None
    assert lapse_without_model(None, None, None, None, None) is None
