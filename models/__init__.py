"""The slot model: encoding its inputs, the classifier, calibration, checkpoints."""
