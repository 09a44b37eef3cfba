"""Syndication: a wire story is known again in a paper that cut it or led into it in its own words; other stories are not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from stancewire.batch import ledger as ledgers
from stancewire.batch.duplicates import FEWEST, SIMILAR, band_keys, signature, similarity
from stancewire.batch.ledger import Ledger


def story(seed: int, words: int = 150) -> list[str]:
    """The statements of a story, ten words each."""
    draw = random.Random(seed)  # noqa: S311
    return [" ".join(f"w{draw.randrange(2_000)}" for _ in range(10)) for _ in range(words // 10)]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def group(ledger: Ledger, *articles: tuple[list[str], str]) -> list[int]:
    """The first article of each article's group."""
    start = ledger._db.execute("SELECT count(*) FROM article").fetchone()[0]
    for number, article in enumerate(articles, start):
        ledger.join(number, f"a{number}", signature(*article))
    return [ledger.story(number).first for number in range(start, start + len(articles))]


def test_a_story_cut_from_its_end_or_in_other_letters_is_a_copy(ledger: Ledger) -> None:
    whole = story(1)
    copies = [whole, whole[:12], [statement.upper() + "!" for statement in whole], whole[::-1]]
    assert group(ledger, *((statements, f"lead {n}") for n, statements in enumerate(copies))) == [0, 0, 0, 0]
    assert ledger.story(3) == ledgers.Story(0, "a0", 4)


def test_stories_that_share_one_statement_are_two(ledger: Ledger) -> None:
    assert group(ledger, (story(1), ""), (story(2)[:-1] + story(1)[:1], "")) == [0, 1]


def test_few_words_make_a_copy_only_where_the_whole_text_is_the_same(ledger: Ledger) -> None:
    short = ["we will not give up"]
    assert len(short[0].split()) < FEWEST
    assert group(ledger, (short, "One said so."), (short, "Another said so."), (short, "one said so")) == [0, 1, 0]


def test_groups_depend_on_articles_and_order_alone(tmp_path: Path) -> None:
    articles = [(story(seed % 7)[: 8 + seed % 5], f"lead {seed}") for seed in range(40)]
    first, second = Ledger(tmp_path / "1"), Ledger(tmp_path / "2")
    together = group(first, *articles)
    apart = [group(second, article)[0] for article in articles]
    assert together == apart
    assert set(together) == set(range(7))


def test_the_estimate_is_near_the_true_similarity() -> None:
    one, other = signature(story(1), ""), signature(story(1)[:9], "")
    assert similarity(one, other) == pytest.approx(9 / 15, abs=0.15)
    assert similarity(one, one) == 1


def test_every_pair_well_above_the_threshold_is_found() -> None:
    missed = 0
    for seed in range(200):
        one, other = signature(story(seed), ""), signature(story(seed)[:11], "")
        missed += similarity(one, other) >= SIMILAR and not set(band_keys(one)) & set(band_keys(other))
    assert missed == 0


def test_a_band_lists_no_more_than_a_crowd(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "CROWD", 3)
    base = signature(story(1), "")
    for number in range(10):
        sketch = base.copy()
        sketch[4:] = np.arange(124, dtype="<u4") + 1_000 * (number + 1)  # the first band is that of all others
        ledger.join(number, "", sketch)
    assert ledger._db.execute("SELECT max(n) FROM (SELECT count(*) n FROM band GROUP BY key)").fetchone() == (3,)
