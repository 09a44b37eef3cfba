"""The page: whole, well-formed, self-contained, and deaf to whatever a text says."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from stancewire import StanceClassifier
from stancewire.eval.cases import Cases, Labelled
from stancewire.eval.evaluation import Evaluation, evaluate
from stancewire.eval.report import render, write_report
from stancewire.pairs import PairTarget, StancePair
from stancewire.schema import Label, Span

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>{{ 7 * 7 }}&lt;b&gt;</style>"
VOID = {"meta"}


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and a check that every element is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def cases(word: str) -> Cases:
    """Statements in which everything a user can name holds `word`."""
    items = []
    for number, (one, two) in enumerate(((Label.SUPPORTIVE, Label.CRITICAL), (Label.NEUTRAL, Label.NEUTRAL))):
        text = f"Peru met {word} and Chad left."
        named = PairTarget(f"{word}-9", two, (Span(9, 9 + len(word)),))
        pair = StancePair(
            f"{word}{number}", text, (Span(5, len(text)),), (PairTarget("PER", one), named), speaker=word, tags=(word,)
        )
        items.append(Labelled(pair, word, str(number)))
    return Cases.of(items)


@pytest.fixture(scope="module")
def hostile(tiny_checkpoint: Path) -> Evaluation:
    classifier = StanceClassifier.from_pretrained(tiny_checkpoint, device="cpu")
    classifier.name = HOSTILE
    found = evaluate(classifier, cases(HOSTILE), trained_on=[HOSTILE], unread=[HOSTILE], left_out=[HOSTILE])
    everything_wrong = np.eye(3)[(found.cases.labels + 1) % 3]
    return dataclasses.replace(found, probabilities=everything_wrong)


def test_hostile_text_stays_text(hostile: Evaluation) -> None:
    page = Page(render(hostile))
    assert page.text.count(" ".join(HOSTILE.split())) >= 8  # model, source, phenomenon, error's text and speaker …
    assert {tag for tag, _ in page.elements} <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "header",
            "footer",
            "h1",
            "h2",
            "p",
            "span",
            "strong",
            "small",
        ),
        *(
            "div",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "figure",
            "figcaption",
            "article",
            "mark",
            "u",
        ),
        *("svg", "line", "circle", "rect", "polyline", "text"),
    }
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("href", "src", "style", "xlink:href") for name in attributes)


def test_the_page_loads_and_runs_nothing(hostile: Evaluation) -> None:
    html = render(hostile)
    page = Page(html)
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_is_made_for_phones_for_the_dark_and_for_paper(hostile: Evaluation) -> None:
    html = render(hostile)
    assert any(meta.get("name") == "viewport" for meta in Page(html).all("meta"))
    for query in ("prefers-color-scheme: dark", "@media print"):
        assert query in html


def test_the_mistakes_show_statement_and_target(hostile: Evaluation) -> None:
    html = render(dataclasses.replace(hostile, cases=cases("Mali")))
    assert "Peru <mark>met </mark><mark><u>Mali</u></mark><mark> and Chad left.</mark>" in html.replace(
        "<u>Peru</u>", "Peru"
    )
    assert "<u>Peru</u> <mark>met Mali and Chad left.</mark>" in html
    assert html.count('<article class="mistake">') == 4


def test_figures_stand_on_the_page_as_in_the_document(hostile: Evaluation, tmp_path: Path) -> None:
    write_report(hostile, tmp_path / "out.html")
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    document = hostile.document()
    for share in (document["macro_f1"], document["accuracy"], document["ece"], document["risk_coverage"]["area"]):
        assert f"{100 * share:.1f}" in Page(html).text
    counts = [count for row in document["confusion"].values() for count in row.values()]
    assert [int(cell) for cell in re.findall(r'<td class="shade\d">(\d+)</td>', html)] == counts


def test_the_charts_lie_within_their_frame(hostile: Evaluation) -> None:
    page = Page(render(hostile))
    (curve,) = page.all("polyline")
    points = [tuple(map(float, point.split(","))) for point in (curve["points"] or "").split()]
    assert len(points) == 200
    assert all(40 <= x <= 330 and 20 <= y <= 250 for x, y in points)
    for bar in page.all("rect"):
        assert float(bar["y"] or 0) + float(bar["height"] or 0) == pytest.approx(250)


def test_a_model_without_mistakes_has_none_on_the_page(hostile: Evaluation) -> None:
    right = dataclasses.replace(hostile, probabilities=np.eye(3)[hostile.cases.labels])
    assert '<article class="mistake">' not in render(right)
