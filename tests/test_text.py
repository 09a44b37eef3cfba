"""Text: damage is repaired, clean text is not touched, offsets lead back to the raw text, sentences end properly."""

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stancewire.eval.articles import read_articles
from stancewire.schema import Span
from stancewire.text import Document, read

ARTICLES = sorted((Path(__file__).parent.parent / "training" / "corpus" / "articles").glob("*.txt"))


def sentences(text: str) -> list[str]:
    document = read(text)
    return [sentence.of(document.text) for sentence in document.sentences]


def paragraphs(text: str) -> list[str]:
    document = read(text)
    return [paragraph.of(document.text) for paragraph in document.paragraphs]


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("T h e e n v o y o f Q a t a r h a s left", "The envoy of Qatar has left"),
        ("h e e n v o y o f Q a t a r h a s left", "he envoy of Qatar has left"),
        ("T h e  e n v o y  o f  Q a t a r", "The envoy of Qatar"),
        ("T H E E N V O Y O F Q A T A R", "THE ENVOY OF QATAR"),
        ("W H O  P A Y S  F O R  D A R F U R ' S  D R O N E S ?", "WHO PAYS FOR DARFUR'S DRONES?"),
        ("the U . S . government", "the U.S. government"),
        ("T he envoy left.", "The envoy left."),
        ("called it “p l u n d e r with a letterhead”.", "called it “plunder with a letterhead”."),
    ],
)
def test_letter_spaced_words_read_as_words(damaged: str, repaired: str) -> None:
    assert read(damaged).text == repaired


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("The inter-\nnational court sat.", "The international court sat."),
        ("The Parlia- ment sat.", "The Parliament sat."),
        ("The vice- president of forty- two states spoke.", "The vice-president of forty-two states spoke."),
        ("The Franco-\nGerman border", "The Franco-German border"),
        ("a two-\nand three-year plan", "a two-\nand three-year plan"),
        ("On Friday , he asked: war ?", "On Friday, he asked: war?"),
        ("Cairo' s delegate", "Cairo's delegate"),
        ("The dele gate of Ban gladesh spoke.", "The delegate of Bangladesh spoke."),
    ],
)
def test_broken_words_and_stray_spaces_are_closed(damaged: str, repaired: str) -> None:
    assert read(damaged).text == repaired


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("Russiaâ€™s â€œfriendâ€\x9d", "Russia’s “friend”"),
        ("President StaniÅ¡iÄ‡ â€” the ally", "President Stanišić — the ally"),
        ("Salt &amp; oil", "Salt & oil"),
        ("the ﬁrst con\u00adtact", "the first contact"),
        ("One.\r\nTwo.", "One.\nTwo."),
    ],
)
def test_mojibake_is_read_as_meant(damaged: str, repaired: str) -> None:
    assert read(damaged).text == repaired


def test_curly_quotes_stay_curly() -> None:
    assert read("“Yes,” he said; ‘no’, she said.").text == "“Yes,” he said; ‘no’, she said."


@pytest.mark.parametrize(
    "text",
    [
        "Vitamins A B C D are sold.",
        "Groups a b c d e f qualified.",
        "It is a two- and three-year plan, mid- to late decade.",
        "Mash had left; Kan Ala went on.",
        "He paused . . . and went on.",
        "George W. Bush met J. R. Otto in the U.S. on Jan. 5.",
    ],
)
def test_what_only_looks_damaged_is_left_alone(text: str) -> None:
    document = read(text)
    assert document.text == text
    assert not document.repaired


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: path.stem)
def test_no_clean_article_of_the_corpus_is_altered(path: Path) -> None:
    styles = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# style:")]
    articles = list(read_articles(path))
    assert len(styles) == len(articles)
    clean = [article for article, style in zip(articles, styles, strict=True) if "ocr" not in style.casefold()]
    assert [article.doc_id for article in clean if read(article.text).text != article.text] == []


def test_text_broken_to_a_column_width_is_one_paragraph() -> None:
    wrapped = (
        "The envoy of Qatar left the talks on Tuesday, officials said, after the\n"
        "delegation of the host country had asked for a week to consider what it\n"
        "called a final offer.\n"
        "\n"
        "A second round is planned for the spring, according to two diplomats at\n"
        "the table.\n"
    )
    assert paragraphs(wrapped) == [
        "The envoy of Qatar left the talks on Tuesday, officials said, after the delegation of the host country had "
        "asked for a week to consider what it called a final offer.",
        "A second round is planned for the spring, according to two diplomats at the table.",
    ]


def test_lines_that_are_paragraphs_stay_apart() -> None:
    lines = [
        "China National Petroleum Corp did not respond to a request for comment.",
        "Shares in Japanese department stores fell for a second day.",
        "Uganda is host to about 975,000 refugees.",
    ]
    assert paragraphs("\n".join(lines)) == lines


@pytest.mark.parametrize(
    "expected",
    [
        ["The U.S. Senate voted.", "It was in the U.S.", "The envoy left."],
        ["Sen. Ann Lee, R-Fla., said on Jan. 5 that No. 3 cost $3.5 million.", "He said no.", "She left."],
        ["Gen. J. R. Otto left St. Petersburg at 5 p.m. Tuesday.", "Mr. Ode fell ill.", "Police came."],
        ["“We go.”", "“They stay.”", "(He left.)", "She ate."],
        ["“Will they go?” he asked.", "“They must!” said the envoy.", "He paused... and went."],
    ],
)
def test_a_sentence_ends_at_its_punctuation_and_not_at_an_abbreviation(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00"])
def test_text_without_words_has_no_paragraphs(text: str) -> None:
    document = read(text)
    assert document.paragraphs == ()
    assert document.sentences == ()


DAMAGE = st.lists(
    st.sampled_from(
        ["T h e e n v o y", "â€œ", "Ã©", "inter-\nnational", "dele gate", "bu ried", "U . S .", "sup- plied", "word"]
    )
    | st.sampled_from(
        ["\r\n", "\n\n", " ", " , ", "\u00ad", "ﬁ", "“", "e\u0301", "Mr. ", "No. 3", "the envoy said", "? “", "&amp;"]
    )
).map("".join)


@given(st.one_of(st.text(), DAMAGE))
def test_every_offset_leads_back_into_the_raw_text_in_order(raw: str) -> None:
    document = read(raw)
    length = len(document.text)
    spans = [document.raw_span(Span(i, i + 1)) for i in range(length)]
    assert all(0 <= span.start <= span.end <= len(raw) for span in spans)
    assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(spans))
    if length:
        whole = document.raw_span(Span(0, length))
        assert (whole.start, whole.end) == (spans[0].start, spans[-1].end)


@given(st.one_of(st.text(), DAMAGE))
def test_paragraphs_and_sentences_are_disjoint_in_order_and_lose_no_word(raw: str) -> None:
    document = read(raw)
    for spans in (document.paragraphs, document.sentences):
        assert all(a.end <= b.start for a, b in pairwise(spans))
        assert "".join("".join(span.of(document.text) for span in spans).split()) == "".join(document.text.split())


def test_what_stands_beside_a_repair_maps_to_the_same_characters() -> None:
    raw = "He called it “p l u n d e r” and sup- plied Russiaâ€™s “friend”, Cairo' s envoy, on Friday ."
    document = read(raw)

    def original(words: str) -> str:
        start = document.text.index(words)
        return document.raw_span(Span(start, start + len(words))).of(raw)

    assert original("He called it “") == "He called it “"
    assert original("plunder") == "p l u n d e r"
    assert original("under") == "u n d e r"
    assert original("supplied") == "sup- plied"
    assert original("’") == "â€™"
    assert original("“friend”, ") == "“friend”, "
    assert original("Friday.") == "Friday ."


def test_clean_text_maps_to_itself() -> None:
    document = read("The envoy left. He ate.")
    assert isinstance(document, Document)
    assert [document.raw_span(span) for span in document.sentences] == list(document.sentences)


def test_a_span_beyond_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="ends beyond the text of 3 characters"):
        read("Yes").raw_span(Span(0, 4))


@pytest.mark.parametrize(
    "unit", ['"', "“", "A", " ", "\n", ".", "! ", "a ", "A . ", "x- y", "T h e e n v o y ", '."', "&a", "Â"], ids=repr
)
def test_time_grows_in_step_with_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.perf_counter()
        read(text)
        return time.perf_counter() - start

    assert seconds(400_000) < 20 * max(seconds(40_000), 0.02)
