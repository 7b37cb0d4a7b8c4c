"""Batches: one request for many runs, each computed as a simulation of its own (docs/adr/0038)."""
