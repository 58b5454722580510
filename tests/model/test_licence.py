"""What a licence text means, and that nothing is ever guessed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songark.model.licence import MAX_ADDRESSES, MAX_WORDS, cc_urls, normalise, ported
from songark.model.licence_list import OWN, checked, spdx_id

CC = "http://creativecommons.org"


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        (f"{CC}/licenses/by-sa/3.0/", "CC-BY-SA-3.0"),
        ("https://www.creativecommons.org/licenses/by/4.0", "CC-BY-4.0"),
        ("creativecommons.org/licenses/by-nc/2.5/deed.fr", "CC-BY-NC-2.5"),
        (f"{CC}/licenses/by/4.0/legalcode", "CC-BY-4.0"),
        (f"{CC}/licenses/by/4.0/?ref=chooser-v1", "CC-BY-4.0"),
        (f"{CC.upper()}/LICENSES/BY/4.0/", "CC-BY-4.0"),
        (f"{CC}/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        (f"{CC}/licenses/by-sa/3.0/de/", "CC-BY-SA-3.0-DE"),
        (f"{CC}/licenses/by-nc-sa/2.0/uk/", "CC-BY-NC-SA-2.0-UK"),
        (f"{CC}/licenses/by/3.0/igo/", "CC-BY-3.0-IGO"),
        (f"{CC}/licenses/by-sa/2.5/es/", "CC-BY-SA-2.5"),
        (f"{CC}/publicdomain/zero/1.0/", "CC0-1.0"),
        (f"{CC}/publicdomain/mark/1.0/deed.en", "CC-PDM-1.0"),
        (f"{CC}/licenses/publicdomain/", "CC-PDDC"),
    ],
)
def test_creative_commons_addresses(raw, meaning):
    assert normalise(raw) == meaning


@pytest.mark.parametrize(
    "raw",
    [
        f"{CC}/licenses/by/5.0/",
        f"{CC}/licenses/by-sa-nd/4.0/",
        f"{CC}/licenses/by-by/4.0/",
        f"{CC}/licenses/sampling+/1.0/",
        f"{CC}/licenses/by/2.1/jp/",
        f"{CC}/licenses/",
        f"{CC}/licenses/by/4.0.evil",
        f"{CC}/licenses/by/4.0/ and more",
        "http://evil.example/creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org.example/licenses/by/4.0/",
        "http://creativecommons.org@evil.example/licenses/by/4.0/",
    ],
)
def test_addresses_of_nothing_known_are_not_guessed(raw):
    assert normalise(raw) == ""


@pytest.mark.parametrize(
    ("raw", "meaning"),
    [
        ("CC-BY-SA-3", "CC-BY-SA-3.0"),
        ("CC BY-SA 3.0", "CC-BY-SA-3.0"),
        ("cc-by-sa_4.0", "CC-BY-SA-4.0"),
        ("CC-BY-ND-NC-3.0", "CC-BY-NC-ND-3.0"),
        ("CC0", "CC0-1.0"),
        ("cc0-1.0", "CC0-1.0"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-1.2+", "GFDL-1.2-or-later"),
        ("GFDL-NIV-1.3", "GFDL-1.3-no-invariants-only"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("Expat", "MIT"),
        ("Apache-2", "Apache-2.0"),
        ("public-domain", "LicenseRef-Public-Domain"),
        ("Public Domain", "LicenseRef-Public-Domain"),
        ("All rights reserved.", "LicenseRef-All-Rights-Reserved"),
        ("CC BY-SA", "LicenseRef-CC-BY-SA-unversioned"),
        ("Creative Commons Attribution-ShareAlike", "LicenseRef-CC-BY-SA-unversioned"),
        ("GPL", "LicenseRef-GPL-unversioned"),
        ("Attribution-NonCommercial-ShareAlike 3.0 International", "CC-BY-NC-SA-3.0"),
        ("Creative Commons Attribution-Share Alike 3.0 License", "CC-BY-SA-3.0"),
        ("Attribution-NoDerivs 3.0 Germany", "CC-BY-ND-3.0-DE"),
        ("CC-BY-SA-3.0 or GPL-2+", "CC-BY-SA-3.0 OR GPL-2.0-or-later"),
        ("CC-BY-SA-3.0 and GPL-2+", "CC-BY-SA-3.0 AND GPL-2.0-or-later"),
        ("(MIT OR cc-by-4.0) AND CC0-1.0", "(MIT OR CC-BY-4.0) AND CC0-1.0"),
        ("MIT OR (GPL-2 AND CC0)", "MIT OR (GPL-2.0-only AND CC0-1.0)"),
        (
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
        ),
        ("public-domain or CC0", "LicenseRef-Public-Domain OR CC0-1.0"),
    ],
)
def test_names_and_expressions(raw, meaning):
    assert normalise(raw) == meaning


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "Attribution",
        "Attribution-ShareAlike",
        "CC",
        "CC-BY-SA-ND-4.0",
        "CC-BY-5.0",
        "CC-BY-3.0+",
        "BY-SA",
        "some rights reserved",
        "not CC-BY-4.0",
        "MIT WITH GPL-2.0-only",
        "GPL-2+ with OpenSSL exception",
        "GPL-2+ or Artistic-2, and CC0",
        "MIT AND",
        "MIT MIT",
        "(MIT",
        "(" * 500,
        "( )",
        "()",
        "MIT OR ()",
        "LicenseRef-Their-Own",
        "LicenseRef-AGPL",
        "LicenseRef-scancode-public-domain",
        "CC-BY-4.0 OR whatever",
        "CC-BY-4.0" + " " * MAX_WORDS + "x",
    ],
)
def test_words_that_are_not_known_stay_unknown(raw):
    assert normalise(raw) == ""


@pytest.mark.parametrize("own", OWN)
def test_names_of_our_own_are_stable(own):
    assert normalise(own) == own
    assert normalise(own.lower()) == own


def test_ported_tells_the_jurisdiction_that_spdx_does_not_know():
    assert ported(f"{CC}/licenses/by-sa/2.5/es/") == "es"
    assert ported("Attribution 2.5 France") == "FR"
    assert ported(f"{CC}/licenses/by-sa/3.0/de/") == ""
    assert ported(f"{CC}/licenses/by-sa/3.0/") == ""


def test_cc_urls_finds_addresses_in_a_page():
    page = f"""<a rel="license" href="{CC}/licenses/by-nc-sa/3.0/us/">x</a>, once more
      {CC}/licenses/by-nc-sa/3.0/us/ and ({CC}/licenses/by/4.0/). Also
      '//creativecommons.org/publicdomain/zero/1.0/' and {CC}/licenses/sampling+/1.0/
      http://evil.example/creativecommons.org/licenses/by/4.0/
      http://evilcreativecommons.org/licenses/by/4.0/"""
    assert cc_urls(page) == (
        (f"{CC}/licenses/by-nc-sa/3.0/us/", "CC-BY-NC-SA-3.0"),
        (f"{CC}/licenses/by/4.0/", "CC-BY-4.0"),
        ("//creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        (f"{CC}/licenses/sampling+/1.0/", ""),
    )


def test_cc_urls_is_bounded():
    many = " ".join(f"{CC}/licenses/by/{n}.0/" for n in range(3 * MAX_ADDRESSES))
    assert len(cc_urls(many)) == MAX_ADDRESSES


def test_many_threads_may_ask_first():
    """The library builds its tables at the first use, which must not happen twice at once."""
    program = (
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "from songark.model.licence import normalise\n"
        "print(set(P(8).map(normalise, ['CC0 or MIT'] * 8)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "{'CC0-1.0 OR MIT'}\n"


@given(st.text())
def test_any_text_is_taken(text):
    meaning = normalise(text)
    assert meaning == "" or checked(meaning) == meaning
    assert all(isinstance(expression, str) for _, expression in cc_urls(text))
    assert isinstance(ported(text), str)


WORDS = st.sampled_from(
    [
        *("CC-BY-4.0", "GPL-2+", "and", "OR", "with", "(", ")", " ", ",", "CC", "BY", "-SA", "3"),
        *(f"{CC}/licenses/by/", "4.0/", "public-domain", "attribution", "unported", "NIV", "+"),
    ]
)


@given(st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
def test_what_comes_out_is_a_known_expression_that_means_itself(text):
    meaning = normalise(text)
    assert meaning == "" or (checked(meaning) == meaning and normalise(meaning) == meaning)


@given(st.text(max_size=40))
def test_ids_have_no_case(text):
    assert spdx_id(text) == spdx_id(spdx_id(text) or text)
    assert spdx_id("cc-by-4.0") == "CC-BY-4.0"
