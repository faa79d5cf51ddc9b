"""Examining millions of answers: all cores, files that may be damaged, runs that go on."""
