"""The detectors that come with trustlayer; each is loaded by name: `trustlayer.load`."""
