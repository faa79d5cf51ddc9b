"""How the bundled weights are made; needs the extra `models`, the detectors themselves do not."""
