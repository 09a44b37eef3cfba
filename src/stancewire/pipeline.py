"""The pipeline: an article in, labelled statements out. Reads as the algorithm: each stage in turn.

    pipe = StancePipeline.from_pretrained()
    doc = pipe("…")
    doc.rows()

The stages before the encoder are rules and cost little; the encoder reads the statements of many articles in one
length-sorted batch, each statement once for all its targets.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from stancewire import language, people, quotes, speakers, stance, targets, text
from stancewire.models import selection
from stancewire.models.inputs import Passage
from stancewire.models.selection import EVERYTHING, Selection
from stancewire.schema import Article, Span, Speaker, Stance, Statement, Target
from stancewire.stance import Judgement, Precision, StanceClassifier
from stancewire.states import Gazetteer

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, slots=True)
class LabelledTarget:
    """One target of a statement and the speaker's stance toward it."""

    target: Target
    name: str
    stance: Stance


@dataclasses.dataclass(frozen=True, slots=True)
class LabelledStatement:
    """A statement, who makes it, and what it says of whom (perhaps of nobody); offsets are of the article as given.

    `flags`: "windowed" (longer than the encoder reads at once), "repaired" (the words were read through a repair).
    """

    id: str
    statement: Statement
    speaker: Speaker
    targets: tuple[LabelledTarget, ...]
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class LabelledArticle:
    """An article with its labelled statements.

    Attributes:
        empty_because: why there are no rows ("no statements", …); None where there are some.
        unread: true where the article could not be judged at all (empty, not in English).
        model: name of the model.
    """

    article: Article
    statements: tuple[LabelledStatement, ...]
    model: str
    empty_because: str | None = None
    unread: bool = False

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary for every statement and target, with the columns of `rows.COLUMNS` in their order."""
        return [row for statement in self.statements for row in self._rows(statement)]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a data frame; all columns are there even where there are no rows."""
        from stancewire.rows import frame

        return frame(self.rows())

    def _rows(self, labelled: LabelledStatement) -> Iterator[dict[str, Any]]:
        article, statement, speaker = self.article, labelled.statement, labelled.speaker
        for judged in labelled.targets:
            target, verdict = judged.target, judged.stance
            yield {
                "doc_id": article.doc_id,
                "source": article.source,
                "url": article.url,
                "title": article.title,
                "published": article.published,
                "lang": article.lang,
                "statement_id": labelled.id,
                "statement": statement.hull.of(article.text),
                "kind": statement.kind.value,
                "start": statement.start,
                "end": statement.end,
                "spans": [[span.start, span.end] for span in statement.spans],
                "speaker": speaker.name,
                "speaker_office": speaker.office,
                "speaker_state": speaker.state,
                "speaker_start": speaker.span.start if speaker.span else None,
                "speaker_end": speaker.span.end if speaker.span else None,
                "target": target.code,
                "target_name": judged.name,
                "mention": target.mention.of(article.text) if target.mention else None,
                "mention_start": target.mention.start if target.mention else None,
                "mention_end": target.mention.end if target.mention else None,
                "evidence": target.evidence.value,
                "stance": verdict.label.value if verdict.label else None,
                "p_supportive": round(verdict.probabilities[0], 6),
                "p_neutral": round(verdict.probabilities[1], 6),
                "p_critical": round(verdict.probabilities[2], 6),
                "score": round(verdict.score, 6),
                "abstain": verdict.abstain,
                "flags": list(labelled.flags),
                "dup_group": None,  # only a job, which reads everything before it writes, knows
                "n_copies": None,
                "model": self.model,
                "metadata": dict(article.metadata) or None,
            }


@dataclasses.dataclass(frozen=True, slots=True)
class _Found:
    """One statement as the stages before the encoder leave it; `passage` is None where nothing can be its target."""

    statement: Statement
    speaker: Speaker
    candidates: tuple[Target, ...]
    passage: Passage | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """An article after the stages before the encoder."""

    article: Article
    document: text.Document
    found: tuple[_Found, ...]
    empty_because: str | None = None
    unread: bool = False


class StancePipeline:
    """Finds statements, speakers and targets in articles and labels them.

    Args:
        classifier: labels given statements and targets; `pipe.classifier.predict_proba(pairs)` uses it alone.
        gazetteer: the states and bodies that can be targets.
        selection: which labels are sure enough to be given; of others the row says that it abstains.
    """

    def __init__(
        self, classifier: StanceClassifier, gazetteer: Gazetteer | None = None, selection: Selection = EVERYTHING
    ) -> None:
        self.classifier = classifier
        self.gazetteer = gazetteer or Gazetteer.default()
        self.selection = selection

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        *,
        device: str = "auto",
        precision: Precision = "auto",
        max_error: float | None = None,
        coverage: float | None = None,
    ) -> StancePipeline:
        """Load the shipped checkpoint, one in a folder, or one by its hub id (see `StanceClassifier.from_pretrained`).

        Args:
            max_error: abstain so often that of the labels given at most this share is wrong (`models.selection`).
            coverage: or give labels to this share of targets, the surest.

        Raises:
            ValueError: for both at once, or for what the held-out pairs of the checkpoint cannot vouch for.
        """
        classifier = StanceClassifier.from_pretrained(model, device=device, precision=precision)
        if max_error is not None and coverage is not None:
            raise ValueError("give max_error or coverage, not both: one follows from the other")
        if max_error is not None:
            return cls(classifier, selection=selection.for_error(classifier.calibration, max_error))
        if coverage is not None:
            return cls(classifier, selection=selection.for_coverage(classifier.calibration, coverage))
        return cls(classifier)

    def __call__(self, article: str | Article) -> LabelledArticle:
        """Label one article.

        Raises:
            TypeError: for anything but a string or an `Article`.
        """
        return next(self.stream([article]))

    def stream(self, articles: Iterable[str | Article], *, batch_size: int = 64) -> Iterator[LabelledArticle]:
        """Label articles lazily, in order; the labels do not depend on `batch_size`.

        Args:
            batch_size: articles whose statements the encoder reads together.

        Raises:
            TypeError: for anything but strings and `Article`s.
            ValueError: for a batch size below one.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size {batch_size}: expected 1 or more")
        for batch in batched(articles, batch_size):
            read = [self._read(_article(article)) for article in batch]
            passages = [found.passage for item in read for found in item.found if found.passage]
            judged = iter(self.classifier.judge(passages))
            for item in read:
                yield self._labelled(item, judged)

    def label_frame(self, frame: pd.DataFrame, *, text: str = "text") -> pd.DataFrame:
        """Label a column of texts; one row for every statement and target, with the index of the row it came from.

        Raises:
            ValueError: where the frame has no such column.
        """
        import pandas as pd

        from stancewire import rows

        if text not in frame.columns:
            raise ValueError(f"no column {text!r}; the frame has {', '.join(map(str, frame.columns))}")
        index, labelled = [], []
        articles = ("" if value is None or value != value else value for value in frame[text])
        for label, doc in zip(frame.index, self.stream(articles), strict=True):
            found = doc.rows()
            labelled += found
            index += [label] * len(found)
        return rows.frame(labelled).set_index(pd.Index(index, name=frame.index.name))

    def _read(self, article: Article) -> _Read:
        """Every stage before the encoder."""
        document = text.read(article.text)
        if not document.text.strip():
            return _Read(article, document, (), "empty text", unread=True)
        lang, certainty = language.detect_language(document.text)
        article = dataclasses.replace(article, lang=lang)
        if lang != "en":
            reason = f"language {lang!r} ({certainty:.0%} certain); only English is read"
            return _Read(article, document, (), reason, unread=True)
        statements = quotes.find_statements(document)
        if not statements:
            return _Read(article, document, (), "no statements")
        mentions = self.gazetteer.find(document.text)
        known = people.find_people(document, mentions)
        slots = stance.slot_mentions(document.text, mentions, known)
        finder = targets.CandidateFinder(document, mentions, known)
        found = []
        for statement, speaker in zip(
            statements, speakers.find_speakers(document, statements, mentions, known), strict=True
        ):
            candidates = tuple(finder.candidates(statement, speaker))
            codes = [target.code for target in candidates]
            passage = stance.cut_passage(document, statement.spans, slots, codes, speaker.state) if candidates else None
            found.append(_Found(statement, speaker, candidates, passage))
        return _Read(article, document, tuple(found))

    def _labelled(self, read: _Read, judged: Iterator[Judgement]) -> LabelledArticle:
        """Join an article's statements to what the classifier made of them; `judged` has one item for each passage."""
        labelled = []
        for number, found in enumerate(read.found, 1):
            judgement = next(judged) if found.passage else None
            flags = ["windowed"] if judgement and judgement.windowed else []
            if _repaired(found.statement, read.document):
                flags.append("repaired")
            labelled.append(
                LabelledStatement(
                    id=f"{read.article.doc_id}#{number}",
                    statement=_raw_statement(found.statement, read.document),
                    speaker=dataclasses.replace(found.speaker, span=_raw(found.speaker.span, read.document)),
                    targets=tuple(self._targets(found.candidates, judgement, read.document)) if judgement else (),
                    flags=tuple(flags),
                )
            )
        because = read.empty_because
        if because is None and not any(statement.targets for statement in labelled):
            because = "no statement about a state"
        return LabelledArticle(read.article, tuple(labelled), self.classifier.name, because, read.unread)

    def _targets(
        self, candidates: Iterable[Target], judgement: Judgement, document: text.Document
    ) -> Iterator[LabelledTarget]:
        """The candidates the statement names, and those the model takes it to be about."""
        for target, row, addressed in zip(candidates, judgement.probabilities, judgement.addressed, strict=True):
            if addressed + targets.PRIOR[target.rule] >= 0:
                placed = dataclasses.replace(target, mention=_raw(target.mention, document))
                yield LabelledTarget(placed, self.gazetteer.name(target.code), stance.stance(row, self.selection))


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _article(article: str | Article) -> Article:
    if isinstance(article, str):
        return Article(article)
    if isinstance(article, Article):
        return article
    raise TypeError(f"expected the text of an article or an Article, got {type(article).__name__}")


def _repaired(statement: Statement, document: text.Document) -> bool:
    return document.repaired and any(
        span.of(document.text) != document.raw_span(span).of(document.raw) for span in statement.spans
    )


def _raw(span: Span | None, document: text.Document) -> Span | None:
    return None if span is None else document.raw_span(span)


def _raw_statement(statement: Statement, document: text.Document) -> Statement:
    """The statement in offsets of the text as given; what only the stages read is left out."""
    return dataclasses.replace(
        statement, spans=tuple(document.raw_span(span) for span in statement.spans), attribution=None
    )
