"""The command line: formats, exit codes, and a clear word for every bad input."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from stancewire.cli import app
from stancewire.rows import COLUMNS

ARTICLE = (
    "Kenya's foreign minister, Ann Odera, said Mali had stolen the lorry. “We expected better of Mali,” she added.\n"
)


def run(*words: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=text)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "article.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def test_a_pipe_gets_json_lines(article: Path, tiny_checkpoint: Path) -> None:
    result = run("label", article, "--model", tiny_checkpoint)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert rows
    assert all(list(row) == list(COLUMNS) for row in rows)
    assert "1 articles" in result.stderr


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_every_file_format_has_the_same_rows(article: Path, tiny_checkpoint: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"rows.{ending}"
    assert run("label", article, "-o", out, "--model", tiny_checkpoint).exit_code == 0
    expected = [json.loads(line) for line in run("label", article, "--model", tiny_checkpoint).stdout.splitlines()]
    read = {
        "jsonl": lambda: [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()],
        "csv": lambda: list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))),
        "parquet": lambda: pq.read_table(out).to_pylist(),
    }[ending]()
    assert [(row["statement_id"], row["target"], row["stance"]) for row in read] == [
        (row["statement_id"], row["target"], row["stance"]) for row in expected
    ]


def test_what_cannot_be_read_is_set_aside_and_the_rest_is_labelled(tmp_path: Path, tiny_checkpoint: Path) -> None:
    lines = ['{"text": ' + json.dumps(ARTICLE) + "}", "{broken", '{"body": "no text"}', '{"text": ""}']
    (tmp_path / "feed.jsonl").write_text("\n".join(lines), encoding="utf-8")
    result = run("label", tmp_path / "feed.jsonl", "--model", tiny_checkpoint)
    assert result.exit_code == 3
    assert result.stdout.strip()
    assert result.stderr.count("set aside:") == 3
    assert "feed.jsonl:2" in result.stderr


def test_a_language_other_than_english_is_set_aside_with_its_name(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "a.txt").write_text("Der Minister sagte, dass die Regierung in Berlin nicht nachgeben werde. " * 5)
    result = run("label", tmp_path / "a.txt", "--model", tiny_checkpoint)
    assert result.exit_code == 3
    assert "'de'" in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "code", "word"),
    [
        ("empty.txt", b"", 3, "empty"),
        ("binary.txt", bytes(range(256)) * 20, 3, "binary"),
        ("nothing.txt", b"It rained all day in the hills, and the road stayed closed.", 0, "no statements"),
        ("unclosed.txt", "The minister said: “Mali broke its word and nobody answered".encode(), 0, "1 articles"),
        (
            "latin.txt",
            "The minister said Côte d'Ivoire had lied to the people of Peru.".encode("latin-1"),
            0,
            "1 articles",
        ),
    ],
)
def test_bad_input_gets_a_clear_word(
    tmp_path: Path, tiny_checkpoint: Path, name: str, content: bytes, code: int, word: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run("label", tmp_path / name, "--model", tiny_checkpoint)
    assert result.exit_code == code, result.stderr
    assert word in result.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["label", "nowhere.txt"], "nowhere.txt"),
        (["label", "ftp://example.org/feed"], "http"),
        (["evaluate", "--data", "nowhere.jsonl"], "nowhere.jsonl"),
        (["evaluate", "./nowhere", "--data", "nowhere.jsonl"], "no such folder"),
        (["train", "-o", "out", "--preset", "huge"], "huge"),
        (["train", "-o", "out", "--preset", "default"], "--data"),
    ],
)
def test_a_failure_is_one_line_and_exit_code_one(
    words: list[str], complaint: str, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = ["--model", str(tiny_checkpoint)] if words[0] == "label" else []
    if words[:2] == ["evaluate", "--data"]:
        words = ["evaluate", str(tiny_checkpoint), *words[1:]]
    result = run(*words, *model)
    assert result.exit_code == 1
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("stancewire: ")


@pytest.mark.parametrize(
    "words",
    [
        ["label"],
        ["evaluate"],
        ["label", "a.txt", "--to", "xml"],
        ["evaluate", "--predictions", "p"],
        ["evaluate", "--articles", "a", "--report", "r"],
    ],
)
def test_wrong_usage_is_exit_code_two(words: list[str]) -> None:
    assert run(*words).exit_code == 2


def test_an_unknown_format_of_a_file_is_refused(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "a.docx").write_text("text")
    result = run("label", tmp_path / "a.docx", "--model", tiny_checkpoint)
    assert result.exit_code == 1
    assert ".jsonl" in result.stderr


def test_evaluating_pairs_prints_one_document_and_writes_predictions(tmp_path: Path, tiny_checkpoint: Path) -> None:
    record = {
        "id": "1",
        "text": ARTICLE,
        "statement": [[42, 67]],
        "targets": [{"target": "MLI", "label": "critical"}, {"target": "KEN", "label": "neutral"}],
    }
    (tmp_path / "pairs.jsonl").write_text(json.dumps(record))
    result = run(
        "evaluate", tiny_checkpoint, "--data", tmp_path / "pairs.jsonl", "--predictions", tmp_path / "out.jsonl"
    )
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert {"n", "macro_f1", "macro_f1_interval", "f1", "accuracy", "ece", "confusion"} <= set(document)
    assert document["n"] == 2
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["id"], line["target"]) for line in lines] == [("1", "MLI"), ("1", "KEN")]
    assert all(
        abs(sum(line[f"p_{name}"] for name in ("supportive", "neutral", "critical")) - 1) < 1e-5 for line in lines
    )


def test_a_report_and_a_comparison_are_written(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "a.txt").write_text("# id: a\nT: Fiji [[thanked Peru]].\nS: Fiji | FJI\nL: PER=+\n")
    (tmp_path / "b.csv").write_text("text,target,label\nMali lied.,MLI,critical\nThe envoy met Chad.,TCD,neutral\n")
    data = ["--data", tmp_path / "a.txt", "--against", tiny_checkpoint, "--report", tmp_path / "out.html"]
    result = run("evaluate", tiny_checkpoint, *data, "--baselines", tmp_path / "b.csv")
    assert result.exit_code == 0, result.stderr
    assert {"majority", "tf-idf"} < set(json.loads(result.stdout)["compared"])
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>")


def test_measuring_on_what_the_baselines_learn_from_fails_loudly(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "b.csv").write_text("id,text,target,label\nx-7,Mali lied.,MLI,critical\n")
    both = ["--data", tmp_path / "b.csv", "--baselines", tmp_path / "b.csv", "--report", tmp_path / "out.html"]
    result = run("evaluate", tiny_checkpoint, *both)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "x-7: its text stands in training pair x-7 (100%)" in result.stderr
    assert not (tmp_path / "out.html").exists()


def test_evaluating_articles_prints_every_stage(tmp_path: Path, tiny_checkpoint: Path) -> None:
    (tmp_path / "gold.txt").write_text(
        "# id: a\n# title: t\n\nKenya's foreign minister, Ann Odera, said [[Mali had stolen the lorry]]1.\n\n"
        "## 1 | Ann Odera | KEN | indirect | MLI=-\n"
    )
    result = run("evaluate", tiny_checkpoint, "--articles", tmp_path / "gold.txt")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["statements"]["f1"] == 1.0
    assert document["speakers"] == {"accuracy": 1.0, "state_accuracy": 1.0}
    assert document["targets"]["recall"] == 1.0
    assert document["stance"]["pairs"] == 1


def test_the_country_swap_is_measured_on_the_shipped_corpus(tiny_checkpoint: Path) -> None:
    result = run("evaluate", tiny_checkpoint, "--country-swap", 20)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["passages"] == 20


def test_states_explains_a_name() -> None:
    result = run("states", "Ankara")
    assert result.exit_code == 0
    assert "TUR" in result.stdout
    assert "seat of power" in result.stdout


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    result = run("states", "Ankarra")
    assert result.exit_code == 1
    assert "Ankara" in result.stdout


def test_a_job_goes_on_and_says_where_every_item_went(article: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    lines = [json.dumps({"id": number, "text": ARTICLE}) for number in range(3)]
    (tmp_path / "feed.jsonl").write_text(
        "\n".join([*lines, "{broken", '{"text": "It rained in the hills all day long."}'])
    )
    words = ["label", tmp_path / "feed.jsonl", "--job", tmp_path / "job", "--to", "csv", "--model", tiny_checkpoint]
    for _ in range(2):
        result = run(*words)
        assert result.exit_code == 3, result.output
        assert "5 items = 1 labelled + 1 without statements + 2 duplicates + 1 set aside" in result.stderr
        assert result.stdout.strip() == str(tmp_path / "job" / "rows")
    with (tmp_path / "job" / "rows" / "rows-00000.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["dup_group"], row["n_copies"]) for row in csv.DictReader(file)} == {("0", "3")}
    changed = run(*words[:-2], "--model", tiny_checkpoint, "--text-field", "body")
    assert changed.exit_code == 1
    assert "text_field was 'text' and is 'body'" in changed.stderr


@pytest.mark.parametrize("more", [["-o", "rows.csv"], ["--to", "table"]])
def test_a_job_writes_into_its_folder_only(more: list[str], article: Path, tmp_path: Path) -> None:
    assert run("label", article, "--job", tmp_path / "job", *more).exit_code == 2
    assert not (tmp_path / "job").exists()
