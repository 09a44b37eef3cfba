"""Sources: every item is read or set aside with the place and the reason; requests without sense are refused."""

import csv
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stancewire.batch import addresses
from stancewire.batch.sources import SetAside, SourceError, read_sources
from stancewire.language import detect_language
from stancewire.schema import Article

EXAMPLES = Path(__file__).parent.parent / "examples"


def read(*inputs: str | Path, stdin: bytes = b"", **fields: str) -> tuple[list[Article], list[SetAside]]:
    aside: list[SetAside] = []
    articles = list(read_sources([*map(str, inputs)], on_error=aside.append, stdin=io.BytesIO(stdin), **fields))
    return articles, aside


def reasons(aside: list[SetAside]) -> list[str]:
    return [f"{item.position}: {item.reason}" for item in aside]


# --- what is refused before work starts


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("nowhere.txt", "no such file or folder"),
        ("ftp://example.org/feed", "only http:// and https:// addresses"),
        ("page.pdf", "unknown format '.pdf'"),
        ("crawl.warc.gz", "WARC archives are not read"),
    ],
)
def test_an_input_nobody_can_read_is_refused_before_any_other_is_read(
    name: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for existing in ("page.pdf", "crawl.warc.gz", "good.txt"):
        Path(existing).write_text("The envoy left.")
    with pytest.raises(SourceError, match=complaint):
        read_sources(["good.txt", name], on_error=print)


def test_no_input_is_refused() -> None:
    with pytest.raises(SourceError, match="no input; accepted are"):
        read_sources([], on_error=print)


# --- documents


def test_a_text_file_is_one_article_with_a_stable_identifier(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("The envoy left.\n\nHe ate.")
    [first], _ = read(file)
    [second], _ = read(file)
    assert first.text == "The envoy left.\n\nHe ate."
    assert first.source == str(file)
    assert len(first.doc_id) == 16
    assert first.doc_id == second.doc_id


def test_a_folder_is_read_recursively_in_order_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("c.txt", "b/a.txt", "a.txt", "notes.docx", ".hidden.txt"):
        (tmp_path / name).write_text(name)
    articles, aside = read(tmp_path)
    assert [article.text for article in articles] == ["a.txt", "b/a.txt", "c.txt"]
    assert [(Path(item.source).name, item.reason[:22]) for item in aside] == [("notes.docx", "unknown format '.docx'")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_reads_the_same(encoding: str, tmp_path: Path) -> None:
    text = "“Señor,” the chargé d’affaires said, “no.”"
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    [article], _ = read(tmp_path / "a.txt")
    assert article.text == text
    assert article.metadata == {}


def test_an_older_encoding_is_guessed_and_said_to_be_a_guess(tmp_path: Path) -> None:
    text = "“We regret it,” the chargé d’affaires said — and the café fell silent for a while."
    (tmp_path / "a.txt").write_bytes(text.encode("cp1252"))
    [article], _ = read(tmp_path / "a.txt")
    assert article.text == text
    assert article.metadata == {"encoding": "read as cp1252, a guess"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"  \n ", "empty text"),
        (b"%PDF-1.7 ...", "binary data (a PDF document)"),
        (b"PK\x03\x04...", "binary data (a ZIP archive or office document)"),
        (b"abc\0def\0\0ghi", "binary data (zero bytes)"),
    ],
)
def test_a_file_without_readable_text_is_set_aside_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    articles, aside = read(tmp_path)
    assert articles == []
    assert [item.reason for item in aside] == [reason]


def test_ten_megabytes_on_one_line_are_one_article(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 2_000_000)
    [article], _ = read(tmp_path / "a.txt")
    assert len(article.text) == 10_000_000


def test_a_web_page_gives_text_title_date_and_address(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<html><head><title>Envoy leaves</title><meta property='article:published_time' content='2026-03-01'>"
        "<link rel='canonical' href='https://courier.example/a'></head><body><nav>Home</nav><article>"
        "<h1>Envoy leaves</h1><p>The envoy of Qatar has left the talks in Doha, officials said on Tuesday.</p>"
        "<p>“We go,” he said to the people who had waited for him since the morning.</p></article></body></html>"
    )
    [article], aside = read(tmp_path / "a.html")
    assert aside == []
    assert "officials said on Tuesday.\n“We go,” he said" in article.text
    assert (article.title, article.published, article.url) == (
        "Envoy leaves",
        "2026-03-01",
        "https://courier.example/a",
    )


def test_a_page_without_an_article_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<html><body></body></html>")
    _, aside = read(tmp_path)
    assert [item.reason for item in aside] == ["no article text found in the page"]


def test_a_feed_gives_each_entry_in_paragraphs() -> None:
    articles, aside = read(EXAMPLES / "feed.xml")
    assert aside == []
    assert [article.doc_id for article in articles] == [f"courier-{number}" for number in range(1041, 1046)]
    first = articles[0]
    assert first.title == "Chile thanks Brazil for firefighting planes"
    assert first.published == "2026-02-03T18:20:00Z"
    assert first.url == "https://courier.example/world/chile-brazil-fires"
    assert first.text.split("\n")[0].startswith("CONCEPCIÓN, Feb. 3 — Four Brazilian water bombers")
    assert len(first.text.split("\n")) == 3
    assert "<" not in first.text


def test_xml_that_is_no_feed_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<recipe><step>Boil.</step></recipe>")
    _, aside = read(tmp_path)
    assert aside[0].reason.startswith("no entries found; an RSS or Atom feed is expected")


# --- records


def test_jsonl_carries_known_fields_and_keeps_the_others(tmp_path: Path) -> None:
    record = {"key": 7, "body": "The envoy left.", "title": "Envoy", "url": "https://x.example", "desk": {"name": "a"}}
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n\n")
    [article], aside = read(tmp_path, text_field="body", id_field="key")
    assert aside == []
    assert article == Article(
        text="The envoy left.",
        doc_id="7",
        source=str(tmp_path / "a.jsonl"),
        url="https://x.example",
        title="Envoy",
        metadata={"desk": {"name": "a"}},
    )


def test_each_bad_line_is_set_aside_by_number_and_the_good_ones_are_read(tmp_path: Path) -> None:
    lines = ['{"text": "One."}', '{"text": ', '["text"]', '{"body": "x", "id": 1}', '{"text": 3}', '{"text": " "}']
    lines += ["[" * 100_000, '{"text": "Two.", "score": NaN}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    articles, aside = read(tmp_path)
    assert [article.text for article in articles] == ["One.", "Two."]
    assert articles[1].metadata == {"score": None}
    found = reasons(aside)
    assert [reason.split(":")[0] for reason in found] == ["2", "3", "4", "5", "6", "7"]
    assert found[0].startswith("2: broken JSON: ")
    assert found[1] == "3: a JSON object is expected, not ['text']"
    assert found[2] == "4: no field 'text'; the record has 'body', 'id'"
    assert found[3] == "5: field 'text' holds int, not text: 3"
    assert found[4] == "6: empty text"
    assert str(aside[0]).startswith(f"{tmp_path / 'a.jsonl'}:2: broken JSON")


def test_one_line_in_another_encoding_does_not_spoil_the_file(tmp_path: Path) -> None:
    lines = ['{"text": "café"}', '{"text": "the café was closed, the chargé said"}', '{"text": "x"}']
    encoded = [line.encode(encoding) for line, encoding in zip(lines, ["utf-8", "cp1252", "utf-8"], strict=True)]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(encoded))
    articles, aside = read(tmp_path)
    assert aside == []
    assert [article.text for article in articles] == ["café", "the café was closed, the chargé said", "x"]


def test_a_lone_surrogate_does_not_travel_on(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b"}')
    [article], _ = read(tmp_path)
    assert article.text == "a\ufffdb"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_by_its_header(delimiter: str, tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([["id", "text", "desk"], ["1", "One,\ntwo; three.", "world"], ["2", "", "world"]])
        file.write(delimiter.join("3abcd") + "\n")
    articles, aside = read(tmp_path)
    assert [(a.doc_id, a.text, a.metadata) for a in articles] == [("1", "One,\ntwo; three.", {"desk": "world"})]
    assert reasons(aside) == ["4: empty text", "5: 5 cells under a header of 3; quote the text"]


def test_parquet_is_read_row_by_row(tmp_path: Path) -> None:
    columns = {"id": [1, 2, 3], "text": ["One.", None, "Three."], "weight": [0.5, 1.0, float("nan")]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    articles, aside = read(tmp_path)
    assert [(a.doc_id, a.text, a.metadata) for a in articles] == [
        ("1", "One.", {"weight": 0.5}),
        ("3", "Three.", {"weight": None}),
    ]
    assert reasons(aside) == ["row 2: empty text"]


def test_a_wrong_field_name_is_answered_with_the_fields_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,body\n1,One.\n")
    pq.write_table(pa.table({"id": [1], "body": ["One."]}), tmp_path / "b.parquet")
    _, aside = read(tmp_path)
    assert {item.reason for item in aside} == {"no column 'text'; the file has 'id', 'body'"}
    assert len(aside) == 2


def test_a_broken_parquet_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nothing of the kind")
    _, aside = read(tmp_path)
    assert aside[0].reason.startswith("not readable as Parquet")


# --- standard input and addresses


def test_standard_input_is_told_apart_by_its_first_character() -> None:
    assert [a.text for a in read("-", stdin=b"The envoy left.\nHe ate.")[0]] == ["The envoy left.\nHe ate."]
    assert [a.text for a in read("-", stdin=b'\xef\xbb\xbf{"text": "One."}\n{"text": "Two."}')[0]] == ["One.", "Two."]
    assert reasons(read("-", stdin=b"")[1]) == [": empty input"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "ftp://127.0.0.1/feed")
                self.end_headers()
            elif self.path in ("/feed", "/page"):
                self.send_response(200)
                self.end_headers()
                page = b"<!DOCTYPE html><html>"
                self.wfile.write((EXAMPLES / "feed.xml").read_bytes() if self.path == "/feed" else page)
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_a_feed_is_fetched_from_its_address(server: str) -> None:
    articles, aside = read(f"{server}/feed")
    assert aside == []
    assert len(articles) == 5
    assert articles[0].source == f"{server}/feed"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/nothing", "404"), ("/page", "a web page where a feed is expected"), ("/away", "no web address")],
)
def test_an_address_that_gives_no_feed_is_set_aside(server: str, path: str, reason: str) -> None:
    articles, aside = read(server + path)
    assert articles == []
    assert reason in aside[0].reason


# --- language


def test_the_language_of_an_article_is_told() -> None:
    assert detect_language((EXAMPLES / "article.txt").read_text(encoding="utf-8")) == ("en", pytest.approx(1, abs=0.01))
    assert detect_language("Le ministre a déclaré que la France ne reconnaîtra pas ce gouvernement.")[0] == "fr"


@pytest.mark.parametrize("text", ["Ja.", "U.S. troops", "12", "“No.”"])
def test_text_too_short_to_tell_counts_as_english_with_low_certainty(text: str) -> None:
    language, certainty = detect_language(text)
    assert language == "en"
    assert certainty < 0.5
