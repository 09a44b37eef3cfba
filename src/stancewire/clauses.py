"""The little grammar of reported speech: what is a clause, what a noun phrase, and where the reporter's adjunct ends.

Word lists and regular expressions instead of a parser: a thousand times faster, and newswire keeps its attributions
short and formulaic. Every pattern looks at a bounded stretch, so the cost stays linear. Texts handed in here have their
quotations masked by `QUOTED`, so that words quoted are never taken for the reporter's.
"""

from __future__ import annotations

import re

QUOTED = "\ufffc"
"""Stands for each character of a quotation, marks included, so that offsets stay those of the text."""

ADVERB = (
    r"(?:\w+ly|also|then|later|again|already|still|too|once|now|further|often|once more|instead|since|yesterday|today"
    r"|afterwards?|earlier)"
)
PRONOUN = r"(?:[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Ww]e|[Yy]ou|I|who|[Tt]here|nobody|everyone|everybody|both)"
_DETERMINER = (
    r"(?:[Tt]he|[Aa]n?|[Ii]ts|[Hh]is|[Hh]er|[Tt]heir|our|my|your|this|that|these|those|one|two|three|some|several|many|most"
    r"|all|both|another|other|no|any|each|every|half)"
)

# The reporter's adjuncts: when, where and how something was said.
_WEEKDAY = (
    r"(?:(?:on |late |early |last |next )*(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day(?:[’']s)?"
    r"(?: (?:morning|afternoon|evening|night))?)"
)
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
_TIME = (
    rf"(?:{_WEEKDAY}"
    rf"|(?:on |in |by )?(?:\d{{1,2}} {_MONTH}|{_MONTH} \d{{1,2}})(?:,? \d{{4}})?|in {_MONTH}(?: \d{{4}})?"
    r"|(?:earlier |later |late |early )?(?:this|last|that|the same|the next|the following)"
    r" (?:week|month|year|morning|afternoon|evening|night|day|spring|summer|autumn|winter)"
    r"|(?:on |at |over )the (?:weekend|same day|following day|day)"
    r"|(?:at|by) (?:noon|midnight|night|\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?)"
    r"|(?:\w+ )?(?:hours?|days?|weeks?|months?|minutes) (?:later|earlier|ago|before|after)"
    r"|(?:today|yesterday|tonight|overnight|afterwards?|later|earlier|again|repeatedly|separately)(?: (?:today|on))?)"
)
_VENUE = (
    r"(?:statement|interview|conference|briefing|speech|post|message|letter|tweet|address|report|note|communiqu[ée]"
    r"|release|hearing|session|meeting|visit|ceremony|article|paper|call|filing|thread|video|broadcast|forum|summit"
    r"|appearance|remarks|comments|phone|telephone|radio|television|TV|X|Twitter|Telegram|Facebook|Truth Social"
    r"|platform|website|channel|telegram|e-?mail|response|reply|video link|resolution|declaration|text|documents?"
    r"|debate|talks|rally|show|column|trip|tour|dinner|reception|panel)"
)
_PHRASE_TAIL = r"(?:[\w’'.-]+ ?){1,4}?(?= that|,|\.|$)"
_OCCASION = (
    r"(?:(?:in|at|during|on|by|via|through|after|following|over|to|before)"
    rf" (?:[\w’'.-]+ ){{0,5}}?{_VENUE}\b"
    rf"(?: (?:posted|published|issued|released|carried|broadcast|circulated) {_PHRASE_TAIL})?"
    rf"(?: (?:of|from|by|with|to|on) {_PHRASE_TAIL})?)"
)
_PLACE = (
    r"(?:(?:in|from|at|near|outside|aboard) (?:the )?[A-Z][\w’'.-]+(?:[ -](?:and |of |the )?[A-Z][\w’'.-]+){0,4}"
    r"(?:, [A-Z]\w+(?=,))?)"
)
_MANNER = (
    r"(?:(?:through|via) (?:a|an|his|her|its|their) (?:\w+ ){0,3}\w+|by (?:phone|telephone|video link|e-?mail)"
    r"|on condition of anonymity|on [A-Z][\w’'.-]+(?: [A-Z]\w+)*|\w+ly|too|once more"
    r"|in (?:response|reply|turn|private|public|part|effect)|for (?:his|her|its|their) part"
    r"|of (?:[\w’'.-]+ ){1,4}?(?=that ))"
)
_ADJUNCT = re.compile(rf"[ ,]*\b(?:{_OCCASION}|{_TIME}|{_PLACE}|{_MANNER})(?![\w’'-])")
_LISTENER = re.compile(
    r"""[ ](?:him|her|them|us|me|you
    |(?:(?:the|a|an|its|his|her|their|some|about|local|state|foreign|visiting|\d+)[ ])?(?:[\w’'.-]+[ ]){0,4}?
     (?:reporters|journalists|correspondents?|lawmakers|senators|delegates|diplomats|ministers|ambassadors|deputies|members
     |legislators|newsmen|supporters|parliament|council|committee|panel|assembly|board|court|chamber|commission|congress
     |house|commons|senate|cabinet|agency|newspaper|paper|broadcaster|channel|conference|briefing|meeting|gathering
     |audience|television|radio|hearing|forum|session|summit|rally|crowd|guests|hall|investors|growers|students|media
     |press|network|station|each)\b
     (?:[ ](?:of|from|outside|inside|in|at)[ ](?:the[ ]|a[ ]|an[ ]|his[ ]|her[ ]|its[ ])?
      (?:[\w’'.-]+[ ]?){1,4}?(?=[ ]that\b|,|$|[ ]on[ ]|[ ]in[ ]))?
    |(?:the[ ])?[A-Z][\w’'.&-]*
     (?:[ ](?:[A-Z0-9][\w’'.&-]*|of[ ]the|of|the|and|television|radio|newspaper|magazine|agency|news)\b)*)
    """,
    re.X,
)
_MOST_ADJUNCTS = 4
_ADJUNCT_SPACE = 160
_THAT = re.compile(rf"[ ,]*\bthat\b(?=[ ,]|{QUOTED})")
_THAT_LATER = re.compile(r"\bthat\b")
_BREAK = re.compile(rf"[.:;{QUOTED}]|, (?:\w+ing|and|but)\b")

# Clauses and noun phrases.
_FINITE = re.compile(
    r"""\b(?:is|are|was|were|am|has|had|have|will|would|can|could|should|may|might|must|shall|do|does|did|cannot|ought
    |took|went|made|met|came|gave|left|got|ran|began|brought|bought|built|fell|felt|found|grew|held|kept|knew|led|lost|paid
    |put|rose|sat|saw|sent|set|spent|stood|struck|thought|told|won|wrote|said|says|wants?|knows?|remains?|depends?|goes
    |comes|gets?|makes?|takes?|seems?|needs?|means?|stands?|lies|lay|shook|broke|drew|drove|fought|hit|shut|spoke|sought
    |sold|threw|understands?|expects?|believes?|supports?|regards?|belongs?|continues?|becomes?|became)\b
    |n[’']t\b
    |\w[’'](?:s|ll|ve|re|d)(?=[ ](?:a|the|not|no|an|been|going|\w+ed|\w+ing)\b)
    # a past tense, unless it is an adjective ("the retired officer") or passive ("proposed by")
    |(?<!the[ ])(?<!a[ ])(?<!an[ ])(?<!his[ ])(?<!her[ ])(?<!its[ ])(?<!their[ ])(?<!-)
     \b[a-z]{2,}(?<!re)(?<!spe)(?<!ne)ed\b(?![ ]by\b)
    """,
    re.X,
)
_RELATIVE = re.compile(r",? (?:who|whose|whom|which|where|that|when)\b[^,]*,?")
_NOUN_PHRASE_START = re.compile(rf"[ ,]*(?:{_DETERMINER}\b|[A-Z\d]|{PRONOUN}\b|[a-z]+s\b|(?:[a-z-]+ ){{1,5}}[A-Z])")
_NOT_A_PHRASE = re.compile(
    r"""[ ,]*(?!(?:about|over|as|at|in)[ ](?:\d|many|much|few|least|most)|half|both)
    (?:on|in|at|that|to|by|from|with|as|after|before|when|while|if|for|of|during|through|but|and|or|because|how|why|what
    |whether|about|over|under|against|only|not|so)\b
    """,
    re.I | re.X,
)
_LONGEST_NOUN_PHRASE = 300


def has_finite_verb(phrase: str) -> bool:
    """Whether `phrase` looks like a clause. Relative clauses within it do not count."""
    return _FINITE.search(_RELATIVE.sub(" ", phrase)) is not None


def has_any_verb(phrase: str) -> bool:
    """Whether `phrase` has a finite verb, be it only in a relative clause."""
    return _FINITE.search(phrase) is not None


def find_verb(text: str, start: int, end: int) -> int | None:
    """Where the first finite verb of `text[start:end]` begins, or None where there is none."""
    match = _FINITE.search(text, start, end)
    return match.start() if match else None


def is_noun_phrase(phrase: str) -> bool:
    """Whether `phrase` could name a source: it starts like a noun phrase and has no verb of its own."""
    return (
        0 < len(phrase) <= _LONGEST_NOUN_PHRASE
        and _NOT_A_PHRASE.match(phrase) is None
        and _NOUN_PHRASE_START.match(phrase) is not None
        and QUOTED not in phrase
        and not has_finite_verb(phrase)
    )


def starts_clause(text: str) -> bool:
    """Whether `text` goes on as a clause of its own: a subject, and a verb or quoted words not far behind it."""
    if _NOT_A_PHRASE.match(text):
        return False
    window = text[:_ADJUNCT_SPACE].partition(";")[0]
    return QUOTED in window or has_finite_verb(window)


def skip_adjuncts(text: str, position: int, listener: bool) -> int:
    """Where the listener, time, place and occasion end that may stand behind a cue ending at `position`."""
    if listener and (match := _LISTENER.match(text, position)):
        position = match.end()
    for _ in range(_MOST_ADJUNCTS):
        if not (match := _ADJUNCT.match(text, position)):
            break
        position = match.end()
    return position


def skip_to_clause(text: str, start: int, listener: bool) -> tuple[int, bool]:
    """Where what is said begins behind a cue that ends at `start`, and whether "that" or a colon opens it there."""
    position = skip_adjuncts(text, start, listener)
    for place in (start, position):
        if match := _THAT.match(text, place):
            return match.end(), True
    if text.startswith(":", position):
        return position + 1, True
    window = text[start : start + _ADJUNCT_SPACE]
    if (listener or window.startswith(",") or _NOT_A_PHRASE.match(window)) and (match := _THAT_LATER.search(window)):
        between = window[: match.start()]
        if not _BREAK.search(between) and not has_finite_verb(between):
            return start + match.end(), True
    return position, False
