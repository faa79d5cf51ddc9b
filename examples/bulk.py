"""Many logged answers examined on all cores; a bad row costs no other, a kill costs nothing."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from trustlayer.bulk import Failure, examine

GUIDE = "The tower is 43 metres tall and has 186 steps."


def told(failure: Failure) -> None:
    print(f"left out: {Path(failure.place.file).name}, {failure}")


with TemporaryDirectory() as folder:
    logs = Path(folder) / "monday.jsonl"
    answers = [f"It is {height} metres tall." for height in (43, 47)] * 40
    rows = [{"answer": answer, "context": GUIDE} for answer in answers]
    logs.write_text("".join(f"{json.dumps(row)}\n" for row in [*rows, {"answer": None}]))

    output = Path(folder) / "findings.jsonl"
    names = ["figures", "quotations"]
    done = examine([folder], str(output), names, workers=2, on_failure=told)
    print(f"{done.answers} answers examined, {done.failures} rows left out")

    found = [json.loads(line)["findings"] for line in output.read_text().splitlines()]
    print(f"doubtful: {sum(findings['figures']['risk'] > 0.4 for findings in found)}")

    again = examine([str(logs)], str(output), names, resume=True)
    print(f"done twice: {again.answers - again.before}")
