"""One file makes the same verifier for the command line, a server, LiteLLM and here."""

from pathlib import Path
from tempfile import TemporaryDirectory

from trustlayer import Exchange
from trustlayer.config import BadConfig, load, read

FILE = """\
[detectors.figures]
limit = 0.3

[detectors.quotations]

[policy]
revisions = 2
otherwise = "refuse"
"""

with TemporaryDirectory() as folder:
    file = Path(folder) / "trustlayer.toml"
    file.write_text(FILE, encoding="utf-8")
    verifier = load(file)
    verdict = verifier.verify(Exchange("How tall?", "It is 47 m tall.", ("It is 43 m tall.",)))
    print(verdict.action, [detector.name for detector in verifier.detectors])

    file.write_text(FILE.replace("revisions", "revision"), encoding="utf-8")
    try:
        read(file)
    except BadConfig as error:
        [problem] = error.problems
        print(f"line {problem.line}: {problem.key}: {problem.advice}")
