"""Free indirect speech: sentences that go on reporting with no attribution of their own.

"The bill was too high, he said. It had doubled in a year." The second sentence keeps the tense that reporting shifted;
narration would resume in its own. The rule prefers silence: a sentence in the present, in the first person, or telling
what the speaker did next is the reporter's.
"""

from __future__ import annotations

import re

from stancewire.reported import find_reports

_SHIFTED = re.compile(r"\b(?:had|would|could|did|was|were|might|should)(?:n[’']t)?\b")
_STRONGLY_SHIFTED = re.compile(r"(?<!who )(?<!which )(?<!that )\b(?:had|would|should)(?:n[’']t)?\b")
_PLUPERFECT = re.compile(r"\b(?:had|would|could) (?:\w+ )?\Z")
_NARRATION = re.compile(
    r"""\b(?:I|[Ww]e|[Oo]ur|my|this\ newspaper)\b
    |\b(?:is|are|isn[’']t|has)\b
    |^(?:But\ |And\ )?(?:He|She|They)\ (?!(?:had|would|could|was|were|might|should)\b)
    |^(?:He|She)\ (?:was\ (?:asked|referring|speaking)|could\ give)\b
    |^Nor\ did\ (?:he|she)\b
    |^There\ was\ no\ (?:immediate\ )?(?:comment|reaction)\b
    |\?$
    """,
    re.X,
)


def goes_on(sentence: str, closed_by_attribution: bool) -> bool:
    """Whether `sentence`, which follows reported words in its paragraph and has no quotation, is still the speaker's.

    After "…, he said" (`closed_by_attribution`) any shifted tense counts; after "he said that …", where narration more
    often resumes, only the pluperfect and modals do.
    """
    shifted = _SHIFTED if closed_by_attribution else _STRONGLY_SHIFTED
    if shifted.search(sentence) is None or _NARRATION.search(sentence):
        return False
    return all(_PLUPERFECT.search(sentence, 0, report.cue.start) for report in find_reports(sentence))
