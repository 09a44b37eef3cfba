"""The lexicon of reporting cues is well formed, and its words are found where they stand as words."""

from importlib.resources import files

from stancewire.cues import Frame, find_cues


def rows() -> list[list[str]]:
    text = files("stancewire").joinpath("data/cues.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def test_every_row_has_a_cue_a_known_frame_and_finite_forms() -> None:
    for row in rows():
        cue, frame, finite, _ = row
        assert cue, row
        assert finite, row
        assert frame in set(Frame), row


def test_no_form_is_listed_twice() -> None:
    forms = [form for row in rows() for form in f"{row[2]}|{row[3]}".split("|") if form]
    assert len(forms) == len(set(forms))


def test_a_cue_is_found_with_its_lemma_its_frame_and_its_place() -> None:
    text = "The mayor SAID so, adding more."
    said, adding = find_cues(text)
    assert (said.span.of(text), said.lemma, said.frame, said.participle) == ("SAID", "say", Frame.SAY, False)
    assert (adding.lemma, adding.participle) == ("add", True)


def test_the_longest_form_wins_and_its_words_are_not_found_again() -> None:
    text = "She made it clear that they called on him."
    assert [cue.span.of(text) for cue in find_cues(text)] == ["made it clear", "called on"]


def test_part_of_a_word_is_no_cue() -> None:
    text = "The aforesaid crew called onward."
    assert [cue.span.of(text) for cue in find_cues(text)] == ["called"]
