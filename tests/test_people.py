"""Who an article introduces, with name, office and state."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stancewire import text
from stancewire.people import find_people
from stancewire.phrases import lookup
from stancewire.places import find_places
from stancewire.schema import Person
from stancewire.states import Gazetteer


def people_of(article: str) -> dict[str, Person]:
    doc = text.read(article)
    return {person.name: person for person in find_people(doc, Gazetteer.default().find(doc.text))}


@pytest.mark.parametrize(
    ("article", "name", "office", "state"),
    [
        ("Russian President Oleg Samarin arrived.", "Oleg Samarin", "President", "RUS"),
        ("Hiroyuki Kanda, Japan's ambassador in Manila, said no.", "Hiroyuki Kanda", "ambassador in Manila", "JPN"),
        ("The US ambassador to NATO, Ann Ridley, said so.", "Ann Ridley", "ambassador to NATO", "USA"),
        ("Sen. Dale Hutchens, R-Fla., objected.", "Dale Hutchens", None, "USA"),
        ("Pieter Hoekema, Minister for Foreign Trade of the Netherlands, spoke.", "Pieter Hoekema", None, "NLD"),
        ("Brigadier Azlan Mokhtar of Malaysia visited the site.", "Azlan Mokhtar", "Brigadier", "MYS"),
        ("TREMBLAY (Canada): Thank you all.", "TREMBLAY", None, "CAN"),
        ("SEN. ARTHUR VAUGHN (R-Idaho): No.", "ARTHUR VAUGHN", None, "USA"),
    ],
)
def test_a_person_has_the_name_office_and_state_that_the_phrase_gives(
    article: str, name: str, office: str | None, state: str
) -> None:
    person = people_of(article + f" {name.split()[-1]} said little.")[name]
    assert person.state == state
    if office:
        assert person.office == office


@pytest.mark.parametrize(
    ("article", "name", "state"),
    [
        ("A spokesman for the interior ministry in Berlin declined.", "A spokesman for the interior ministry in Berlin", "DEU"),
        ("The Chinese embassy in Warsaw protested.", "The Chinese embassy in Warsaw", "CHN"),
        ("A Department of State spokesman declined.", "A Department of State spokesman", "USA"),
        ("The president of Serbia left.", "The president of Serbia", "SRB"),
        ("A European diplomat was sceptical.", "A European diplomat", None),
    ],
)  # fmt: skip
def test_an_unnamed_official_is_called_by_the_whole_phrase(article: str, name: str, state: str | None) -> None:
    assert people_of(article)[name].state == state


def test_shorter_forms_join_the_fullest_name() -> None:
    people = people_of(
        "Its defence minister, Amir Shaked, spoke in Israel. Mr Shaked said no. Kim Dae-hwan, the unification minister "
        "of South Korea, disagreed. Kim said so. Haidar al-Rubaie, Iraq's envoy, left. Al-Rubaie said nothing."
    )
    assert len(people["Amir Shaked"].mentions) == 2
    assert len(people["Kim Dae-hwan"].mentions) == 2
    assert len(people["Haidar al-Rubaie"].mentions) == 2


def test_two_of_one_surname_are_told_apart_by_their_titles() -> None:
    people = people_of(
        "Ms. Alicia Perdomo spoke first. Mr. Rolando Perdomo followed. Ms. Perdomo said no. Mr. Perdomo said yes."
    )
    assert len(people["Alicia Perdomo"].mentions) == len(people["Rolando Perdomo"].mentions) == 2


def test_an_unnamed_envoy_and_the_name_given_later_are_one_person() -> None:
    article = "Iran will not wait, its envoy to Vienna said. The envoy, Hossein Daryabandi, told reporters so."
    assert people_of(article)["Hossein Daryabandi"].state == "IRN"


@pytest.mark.parametrize("office", ["president", "prime minister", "foreign minister", "king", "ambassador"])
def test_whoever_acts_for_the_state_leads(office: str) -> None:
    assert people_of(f"The Chadian {office}, Idris Okalla, said no.")["Idris Okalla"].leads


@pytest.mark.parametrize("office", ["opposition leader", "former president", "analyst", "judge", "lawmaker"])
def test_whoever_does_not_act_for_the_state_does_not_lead(office: str) -> None:
    assert not people_of(f"The Chadian {office}, Idris Okalla, said no.")["Idris Okalla"].leads


def test_an_office_without_a_state_is_of_the_dateline() -> None:
    people = people_of("BEIRUT, Jan 22 - Talks went on.\n\nPrime Minister Fouad Karameh said so.")
    assert people["Fouad Karameh"].state == "LBN"


def test_a_fronted_place_outweighs_the_dateline() -> None:
    people = people_of("TOKYO, Feb 24 - Talks went on.\n\nIn Beijing, foreign ministry spokesman Gao Lin said no.")
    assert people["Gao Lin"].state == "CHN"


def test_private_persons_and_places_speak_for_no_state() -> None:
    people = people_of("KARACHI - Gul Rehman, who drives a lorry, waited near Kap Choeng.")
    assert people["Gul Rehman"].state is None
    assert "Kap Choeng" not in people


@pytest.mark.parametrize(
    ("article", "name", "state"),
    [
        ("SANTIAGO - Rain fell. Bernardo Larraechea said no.", "Bernardo Larraechea", "CHL"),
        ("SANTIAGO - Rain fell. Bernardo Larraechea, who sells rice, said no.", "Bernardo Larraechea", None),
        ("SANTIAGO - Rain fell. Bernardo Larraechea, a farmer, said no.", "Bernardo Larraechea", None),
        ("HELSINKI - They met. Eva Lund, the Swede, said no.", "Eva Lund", "SWE"),
        ("ALGIERS - France rose. A former ambassador to Algiers, Luc Marel, said no.", "Luc Marel", "FRA"),
        ("OSLO - Rain fell. An aide to the Colombian leader said no.", "An aide to the Colombian leader", "COL"),
        ("Carl Dunmore, a deputy United States trade representative, spoke of India.", "Carl Dunmore", "USA"),
        ("Beijing gave notice. Mexico, its commerce ministry said, was wrong.", "its commerce ministry", "CHN"),
        ("MS. HALVORSEN: Good afternoon, everyone in Tbilisi.", "HALVORSEN", "USA"),
    ],
)
def test_who_needs_no_introduction_is_of_the_place_unless_the_text_says_otherwise(
    article: str, name: str, state: str | None
) -> None:
    assert people_of(article)[name].state == state


@pytest.mark.parametrize(
    ("article", "name", "state"),
    [
        (
            "Talks with the European Union go on in Reykjavik. A Commission official said no.",
            "A Commission official",
            "EU",
        ),
        ("Accra wrote to the IMF. The Fund's spokesman, Ole Berg, said no.", "Ole Berg", "IMF"),
        ("Accra voted on it. A commission official said no.", "A commission official", "GHA"),
    ],
)
def test_a_body_named_in_the_article_is_meant_by_its_capitalised_noun(article: str, name: str, state: str) -> None:
    assert people_of(article)[name].state == state


def test_no_article_is_at_home_in_a_body_that_is_no_state() -> None:
    people = people_of("The IMF wants cuts. Accra has agreed. Deputy Minister Kofi Asante said so.")
    assert people["Kofi Asante"].state == "GHA"


def test_a_town_says_where_an_article_is() -> None:
    people = people_of("Nurses left St Ann's Bay for Cuba yesterday.\n\nHealth Minister Leroy Tavares said so.")
    assert people["Leroy Tavares"].state == "JAM"


def test_a_name_joins_an_office_that_has_an_owner() -> None:
    assert people_of('"Yes," said Célia Nogueira, the firm\'s director.')["Célia Nogueira"].office == "director"


def test_the_minister_is_not_the_prime_minister() -> None:
    found = people_of("Latvia's prime minister left. Latvia's defence minister stayed. The minister said no.")
    assert len(found["Latvia's defence minister"].mentions) == 2


def test_localities_are_found_but_not_inside_names() -> None:
    found = find_places("ATLANTA - A prosecutor in Istanbul met Savannah Brown of Fort Dodge, Iowa.")
    assert [place.code for place in found] == ["USA", "TUR", "USA"]


def test_plurals_have_the_entry_of_their_singular() -> None:
    assert lookup("officials") is not None
    assert "plural" in lookup("ministries").marks  # type: ignore[union-attr]
    assert lookup("chrysanthemums") is None


words = st.sampled_from(
    ["the", "The", "of", "minister", "Minister", "President", "Oleg", "Samarin", ",", ".", "'s", "’", "Iran", "Iran's",
     "said", "in", "to", "its", "Kim", "(", ")", "“", "”", "\n\n", "Sen", "A", "al-Rubaie", "D-Ohio", "62", "-"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(words, max_size=60).map(" ".join)))
def test_any_text_gives_people_whose_mentions_lie_in_it_in_order(article: str) -> None:
    doc = text.read(article)
    for person in find_people(doc, Gazetteer.default().find(doc.text)):
        starts = [span.start for span in person.mentions]
        assert person.mentions
        assert starts == sorted(starts)
        assert all(span.end <= len(doc.text) for span in person.mentions)
        assert person.name


@pytest.mark.parametrize("piece", ['"', "A ", "Minister ", " ", "the minister of the ", "Kim 's ", "U.S. "])
def test_time_grows_in_line_with_the_text(piece: str) -> None:
    def seconds(size: int) -> float:
        doc = text.read(piece * (size // len(piece)))
        start = time.perf_counter()
        find_people(doc, [])
        return time.perf_counter() - start

    seconds(5_000)
    assert seconds(160_000) < 24 * max(seconds(20_000), 0.02)  # eight times the text; quadratic would be 64
