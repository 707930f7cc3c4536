"""The service: engine, Faust app, stores, settings, metrics and command line."""
