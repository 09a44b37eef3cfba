"""Faults, tested by doing them: whatever happens to a job, the same command ends with the bytes of a run it did not happen to.

The short version is in every run of the tests; `pytest -m slow tests/test_faults.py` does it at length, with a model.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from stancewire.batch import job
from stancewire.batch.ledger import Counts
from stancewire.batch.sources import list_sources
from tests.job_driver import run
from tests.test_job import archive, output

ROOT = Path(__file__).parent.parent
DRIVER = [sys.executable, "-m", "tests.job_driver"]


def start(*words: object, **environment: str) -> subprocess.Popen[str]:
    command = [*DRIVER, *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    return archive(tmp_path / "feed.jsonl", 150)


@pytest.fixture
def whole(tmp_path: Path, feed: Path) -> dict[str, bytes]:
    run(tmp_path / "whole", feed)
    return output(tmp_path / "whole")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.01)


def wait_until_at_work(folder: Path, process: int) -> None:
    until = time.monotonic() + 60
    lock = folder / "lock"
    while not (lock.exists() and lock.read_text().startswith(f"process {process} ")):
        assert time.monotonic() < until, f"process {process} never began"
        time.sleep(0.005)


def test_a_job_killed_at_random_moments_loses_and_doubles_nothing(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    draw, killed = random.Random(3), 0  # noqa: S311
    for _ in range(10):
        process = start(tmp_path / "job", feed, "--seconds", 0.005)
        wait_until_at_work(tmp_path / "job", process.pid)
        time.sleep(draw.uniform(0, 0.15))
        process.kill()
        killed += end(process)[0] == -signal.SIGKILL
    assert killed == 10
    run(tmp_path / "job", feed)
    assert output(tmp_path / "job") == whole


def test_the_first_sigterm_ends_the_part_and_says_how_to_go_on(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    process = start(tmp_path / "job", feed, "--seconds", 0.02)
    wait_for(tmp_path / "job" / "parts" / "part-000000.jsonl")
    process.send_signal(signal.SIGTERM)
    code, said = end(process)
    assert code == 1
    assert "items done; the same command goes on from there" in said
    assert "Traceback" not in said
    run(tmp_path / "job", feed)
    assert output(tmp_path / "job") == whole


def test_the_second_sigterm_ends_the_process_at_once_and_harms_nothing(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    process = start(tmp_path / "job", feed, "--seconds", 5)
    wait_for(tmp_path / "job" / "manifest.json")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert end(process)[0] == -signal.SIGTERM
    run(tmp_path / "job", feed)
    assert output(tmp_path / "job") == whole


def test_of_two_processes_on_one_job_the_second_is_refused_by_name(
    tmp_path: Path, feed: Path, whole: dict[str, bytes]
) -> None:
    first = start(tmp_path / "job", feed, "--seconds", 0.01)
    wait_for(tmp_path / "job" / "manifest.json")
    code, said = end(start(tmp_path / "job", feed))
    assert code == 1
    assert f"process {first.pid} on" in said
    assert end(first)[0] == 0
    assert output(tmp_path / "job") == whole


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes writes fail."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and Linux")
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, ROOT / "tests" / "faults.c", "-ldl"], check=True)
    return library


def fail_at(at: int | None, how: str, tmp_path: Path, feed: Path, shim: Path) -> tuple[int, str, int]:
    """Run a job whose write or sync number `at` fails; exit code, what it said, and how many there were."""
    count = tmp_path / "count"
    where = {"LD_PRELOAD": str(shim), "FAULT_UNDER": str(tmp_path / "job"), "FAULT_AS": how, "FAULT_COUNT": str(count)}
    code, said = end(start(tmp_path / "job", feed, **where, **({"FAULT_AT": str(at)} if at else {})))
    return code, said, int(count.read_text())


def check_failing_disk(moments: int | None, tmp_path: Path, feed: Path, shim: Path) -> dict[str, int]:
    """Fail at so many random writes in each way, or at every one; the number of runs that ended with an error."""
    run(tmp_path / "whole", feed)
    whole = output(tmp_path / "whole")
    code, _, writes = fail_at(None, "EIO", tmp_path, feed, shim)
    assert code == 0
    assert output(tmp_path / "job") == whole
    failed = {}
    for how in ("ENOSPC", "EIO", "SHORT"):
        every = range(1, writes + 1)
        failed[how] = 0
        for at in every if moments is None else random.Random(4).sample(every, moments):  # noqa: S311
            shutil.rmtree(tmp_path / "job")
            code, said, _ = fail_at(at, how, tmp_path, feed, shim)
            failed[how] += code != 0
            assert "Traceback" not in said, (how, at, said)
            assert code == 0 or said.startswith("failed: "), (how, at, said)
            run(tmp_path / "job", feed)
            assert output(tmp_path / "job") == whole, (how, at)
    return failed


def test_a_disk_that_fails_ends_the_run_with_a_word_and_the_next_goes_on(tmp_path: Path, shim: Path) -> None:
    failed = check_failing_disk(4, tmp_path, archive(tmp_path / "feed.jsonl", 30), shim)
    assert failed["ENOSPC"] == failed["EIO"] == 4


# --- at length


@pytest.mark.slow
def test_a_disk_that_fails_at_every_single_write(tmp_path: Path, shim: Path) -> None:
    print(check_failing_disk(None, tmp_path, archive(tmp_path / "feed.jsonl", 30), shim))


@pytest.mark.slow
def test_tails_cut_at_a_thousand_random_bytes(tmp_path: Path, feed: Path, whole: dict[str, bytes]) -> None:
    draw = random.Random(5)  # noqa: S311
    run(tmp_path / "job", feed)
    for _ in range(1_000):
        path = draw.choice([path for path in sorted((tmp_path / "job").rglob("*.*")) if path.suffix != ".damaged"])
        data = path.read_bytes()
        path.write_bytes(data[: draw.randrange(len(data))] if data else b"")
        run(tmp_path / "job", feed)
        assert output(tmp_path / "job") == whole, path


@pytest.mark.slow
def test_ten_thousand_articles_with_a_model_killed_at_two_hundred_random_moments(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stancewire import StancePipeline

    monkeypatch.setenv(
        "TOKENIZERS_PARALLELISM", "false"
    )  # processes are forked from this one, with the model in memory
    torch.set_num_threads(1)
    pipeline = StancePipeline.from_pretrained(tiny_checkpoint, device="cpu")
    feed, draw = tmp_path / "feed.jsonl", random.Random(6)  # noqa: S311
    names = "Kenya Mali Ghana Chad Togo Niger Oman Chile Peru Cuba".split()
    with feed.open("w") as file:
        for number in range(10_000):
            one, other = draw.sample(names, 2)
            text = (
                f"{one}'s foreign minister said {other} had stolen lorry number {draw.randrange(10**6)} of the convoy."
            )
            file.write(json.dumps({"id": number, "text": text}) + "\n" if number % 100 else "{broken\n")

    def work(folder: Path) -> Counts:
        return job.run(
            folder,
            job.Settings("jsonl", {}),
            lambda: list_sources([str(feed)]),
            lambda articles: list(pipeline.stream(articles)),
        )

    counts = work(tmp_path / "whole")
    whole = output(tmp_path / "whole")
    assert (counts.items, counts.aside) == (10_000, 100)
    killed = ended = 0
    while killed < 200:
        process = multiprocessing.get_context("fork").Process(target=work, args=[tmp_path / "job"])
        process.start()
        assert process.pid is not None
        wait_until_at_work(tmp_path / "job", process.pid)
        process.join(draw.uniform(0, 2))
        process.kill()
        process.join()
        if process.exitcode == 0:
            assert output(tmp_path / "job") == whole
            shutil.rmtree(tmp_path / "job")
            ended += 1
        killed += process.exitcode == -signal.SIGKILL
    assert work(tmp_path / "job") == counts
    assert output(tmp_path / "job") == whole
    print(f"{killed} killed, {ended + 1} ended, {counts}")
