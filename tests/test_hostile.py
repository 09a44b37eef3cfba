"""Hostile input: every document is read or set aside with a reason, soon, and the ones beside it are read."""

from __future__ import annotations

import gzip
import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stancewire.batch import addresses, documents
from stancewire.batch.sources import SetAside, read_sources
from stancewire.schema import Article


def read(*inputs: str | Path) -> tuple[list[str], list[str]]:
    """The texts that are read, and the reasons of what is set aside."""
    aside: list[SetAside] = []
    articles: list[Article] = list(read_sources([*map(str, inputs)], on_error=aside.append))
    return [article.text for article in articles], [item.reason for item in aside]


def feed(tmp_path: Path, *items: str, head: str = "") -> Path:
    body = "".join(f"<item><title>t</title><description>{item}</description></item>" for item in items)
    path = tmp_path / "feed.xml"
    path.write_text(f'<?xml version="1.0"?>{head}<rss version="2.0"><channel>{body}</channel></rss>')
    return path


def page(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "page.html"
    path.write_text(f"<html><body><article>{body}</article></body></html>")
    return path


# --- feeds


def test_an_entity_bomb_does_not_go_off(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    texts, _ = read(feed(tmp_path, "&j;", head=f'<!DOCTYPE x [<!ENTITY a "{"lol" * 100}">{entities}]>'))
    assert all(len(text) < 100 for text in texts)


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    head = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]>'
    texts, reasons = read(feed(tmp_path, "Look: &e; here.", head=head))
    assert len(texts + reasons) == 1
    assert "SECRET" not in str(texts + reasons)


@pytest.mark.parametrize("reference", ["&#xD800;", "&#xdfff;", "&#55296;", "&#57343;"])
def test_half_a_character_costs_itself_only(reference: str, tmp_path: Path) -> None:
    texts, reasons = read(feed(tmp_path, f"a{reference}b", "Second."))
    assert (texts, reasons) == (["a\ufffdb", "Second."], [])


def test_a_feed_cut_in_an_item_gives_those_before_it_and_tells_of_that_one(tmp_path: Path) -> None:
    path = feed(tmp_path, "First.", "Second.")
    path.write_bytes(path.read_bytes()[:-60])
    assert read(path) == (["First."], ["empty text"])


@pytest.mark.parametrize("kind", ["elements", "escaped"])
def test_twenty_thousand_levels_do_no_harm_in_a_feed(kind: str, tmp_path: Path) -> None:
    tags = ("<b>", "</b>") if kind == "elements" else ("&lt;b&gt;", "&lt;/b&gt;")
    texts, _ = read(feed(tmp_path, tags[0] * 20_000 + "x" + tags[1] * 20_000, "Second."))
    assert texts[-1] == "Second."


def test_a_page_served_as_a_feed_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text("<!doctype html><html><body><p>Hello.</p></body></html>")
    texts, [reason] = read(tmp_path)
    assert texts == []
    assert reason.startswith("no entries found")


@pytest.mark.parametrize("ending", ["xml", "html", "txt", "jsonl", "csv"])
@pytest.mark.parametrize("cut", [None, 30])
def test_gzip_is_set_aside_without_being_unpacked(ending: str, cut: int | None, tmp_path: Path) -> None:
    (tmp_path / f"a.{ending}").write_bytes(gzip.compress(b"0" * 10_000_000)[:cut])
    assert read(tmp_path) == ([], ["binary data (a gzip archive)"])


# --- pages


def test_twenty_thousand_levels_do_no_harm_in_a_page(tmp_path: Path) -> None:
    nested = page(tmp_path, "<div>" * 20_000 + "<p>Hello there.</p>" + "</div>" * 20_000)
    texts, reasons = read(nested)
    assert len(texts + reasons) == 1


@pytest.mark.parametrize("name", ["page.html", "feed.xml"])
def test_a_hundred_thousand_attributes_are_not_given_to_a_parser(name: str, tmp_path: Path) -> None:
    attributes = " ".join(f'a{n}="1"' for n in range(100_000))
    path = page(tmp_path, f"<p {attributes}>Hello.</p>").rename(tmp_path / name)
    assert read(path) == ([], [f"a tag of more than {documents.LARGEST_TAG} attributes"])


def test_a_picture_within_a_tag_is_no_attack(tmp_path: Path) -> None:
    picture = f'<img src="data:image/png;base64,{"A" * 200_000}">'
    texts, _ = read(
        page(tmp_path, f"<p>The envoy of Qatar has left the talks, officials said on Tuesday.</p>{picture}")
    )
    assert texts == ["The envoy of Qatar has left the talks, officials said on Tuesday."]


def test_the_text_of_a_page_is_the_article_and_nothing_else(tmp_path: Path) -> None:
    said = "The envoy of Qatar has left the talks in Doha, officials said on Tuesday 3 March 2026."
    assert read(page(tmp_path, f"<p>{said}</p>")) == ([said], [])


@pytest.mark.parametrize("bytes_", [b"caf\xe9 \xff\xfe said", b"a\x00b said", b"&#xD800; said"])
def test_broken_characters_in_a_page_end_nothing(bytes_: bytes, tmp_path: Path) -> None:
    sentence = b"<p>The envoy of Qatar has left the talks in Doha, officials said: " + bytes_ + b".</p>"
    (tmp_path / "a.html").write_bytes(b"<html><body><article>" + sentence + b"</article></body></html>")
    (tmp_path / "b.txt").write_text("Second.")
    texts, reasons = read(tmp_path)
    assert len(texts + reasons) == 2
    assert texts[-1] == "Second."
    for text in texts:
        text.encode()


# --- records


def jsonl(tmp_path: Path, *lines: str) -> Path:
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "a.jsonl"


def test_a_line_separator_of_unicode_does_not_end_a_line(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path, '{"text": "a\u2028b\u2029c\x85d"}')) == (["a\u2028b\u2029c\x85d"], [])


def test_a_key_that_stands_twice_is_set_aside(tmp_path: Path) -> None:
    texts, [reason] = read(jsonl(tmp_path, '{"text": "a", "text": "b"}', '{"text": "c", "x": {"y": 1}}'))
    assert texts == ["c"]
    assert reason.startswith("broken JSON: the key 'text' stands twice")


def test_no_number_that_is_none_gets_into_metadata(tmp_path: Path) -> None:
    path = jsonl(tmp_path, '{"text": "a", "x": NaN, "y": [1e999, -Infinity, {"z": NaN}]}')
    [article] = read_sources([str(path)], on_error=print)
    assert article.metadata == {"x": None, "y": [None, None, {"z": None}]}
    table = pa.table({"text": ["a"], "y": [[float("nan"), 1.0]]})
    pq.write_table(table, tmp_path / "a.parquet")
    [article] = read_sources([str(tmp_path / "a.parquet")], on_error=print)
    assert article.metadata == {"y": [None, 1.0]}


def test_a_field_nested_too_deep_for_readers_is_set_aside(tmp_path: Path) -> None:
    texts, reasons = read(jsonl(tmp_path, f'{{"text": "a", "x": {"[" * 400}{"]" * 400}}}', '{"text": "b"}'))
    assert (texts, reasons) == (["b"], ["a field nested more than 100 deep"])


def test_a_quotation_mark_that_is_not_closed_swallows_no_row_silently(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"First."\n2,"Second.\n3,"Third."\n4,"Fourth."\n')
    aside: list[SetAside] = []
    texts = [article.text for article in read_sources([str(path)], on_error=aside.append)]
    assert texts == ["First.", "Fourth."]
    assert [(item.position, item.offset) for item in aside] == [("3-4", path.read_bytes().index(b"2,"))]
    assert "is a quotation mark not closed?" in aside[0].reason
    path.write_text('id,text\n1,First.\n2,"Second.\n3,Third.\n')
    assert read(path)[0] == ["First."]
    assert len(read(path)[1]) == 1


def test_a_long_field_and_namibia_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"id,text,state\n1,{'word ' * 100_000},NA\n2,NA,\n")
    articles = list(read_sources([str(tmp_path / "a.csv")], on_error=print))
    assert [len(article.text) for article in articles] == [500_000, 2]
    assert articles[0].metadata == {"state": "NA"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_offset_of_a_line_is_that_of_its_bytes(encoding: str, tmp_path: Path) -> None:
    data = '{"text": "“Señor”"}\n{broken\n'.encode(encoding)
    (tmp_path / "a.jsonl").write_bytes(data)
    aside: list[SetAside] = []
    assert len(list(read_sources([str(tmp_path / "a.jsonl")], on_error=aside.append))) == 1
    assert aside[0].offset is not None
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    assert data[aside[0].offset :].startswith("{broken".encode(plain))


# --- addresses


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
     "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "::"],
)  # fmt: skip
def test_an_address_that_is_not_public_is_told(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_a_public_address_is_told(address: str) -> None:
    assert addresses.is_public(address)


@pytest.fixture
def server() -> Iterator[str]:
    """Redirects /away to its own address under another name, and never ends /drip."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", f"http://inside.example:{self.server.server_port}/secret")  # type: ignore[attr-defined]
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            while self.path == "/drip":
                try:
                    self.wfile.write(b" ")
                    time.sleep(0.05)
                except OSError:
                    return
            self.wfile.write(b"SECRET" * (1 if self.path == "/secret" else 1_000_000))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_a_feed_inside_is_not_fetched(server: str) -> None:
    texts, [reason] = read(server + "/secret")
    assert texts == []
    assert "127.0.0.1, which is no address of the public internet" in reason


def test_a_redirection_to_the_inside_is_not_followed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = {"inside.example": "10.0.0.7"}
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        addresses.socket, "getaddrinfo", lambda host, *rest, **more: resolve(inside.get(host, host), *rest, **more)
    )
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    texts, [reason] = read(server + "/away")
    assert texts == []
    assert "inside.example is 10.0.0.7, which is no address" in reason


def test_an_answer_without_end_is_cut_off(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    monkeypatch.setattr(addresses, "DEADLINE", 0.3)
    started = time.monotonic()
    assert read(server + "/drip") == ([], ["cannot be fetched: no end after 0.3 seconds"])
    assert time.monotonic() - started < 5


def test_an_answer_too_large_is_not_read(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    monkeypatch.setattr("stancewire.batch.decoding.LARGEST_ITEM", 2**20)
    texts, [reason] = read(server + "/large")
    assert texts == []
    assert "larger than 1 MiB" in reason


# --- through the whole


def test_marks_that_nobody_sees_within_names_move_no_offset(tiny_checkpoint: Path) -> None:
    from stancewire import StancePipeline

    pipe = StancePipeline.from_pretrained(tiny_checkpoint, device="cpu")
    text = "Ken\u200bya's foreign minister, \u202eAnn\u202c Od\u00adera, said Ma\u200dli had stolen the lorry of Kenya."
    for row in pipe(text).rows():
        assert text[row["start"] : row["end"]] == row["statement"]
    assert json.dumps(pipe(text).rows())
