"""Pure numerics: detectors, the bank that runs them over many rows, and calibration. No Kafka, clock, files or logs."""
