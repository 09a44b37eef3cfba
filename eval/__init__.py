"""Measuring: metrics, calibration, annotated articles, behaviour."""
