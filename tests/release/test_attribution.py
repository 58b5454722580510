import pytest

from songark.release.attribution import attribution, licence_url
from songark.release.packs import Pack
from tests.release.packing import track

CC = "https://creativecommons.org"


@pytest.mark.parametrize(
    ("licence", "url"),
    [
        ("CC0-1.0", f"{CC}/publicdomain/zero/1.0/"),
        ("CC-BY-4.0", f"{CC}/licenses/by/4.0/"),
        ("CC-BY-SA-3.0", f"{CC}/licenses/by-sa/3.0/"),
        ("CC-BY-SA-2.1-JP", f"{CC}/licenses/by-sa/2.1/jp/"),
        ("CC-BY-3.0-IGO", f"{CC}/licenses/by/3.0/igo/"),
        ("CC-BY-NC-ND-4.0", f"{CC}/licenses/by-nc-nd/4.0/"),
        ("CC-BY-NC-SA-2.0-FR", f"{CC}/licenses/by-nc-sa/2.0/fr/"),
        ("CC-BY-NC-ND-1.0", f"{CC}/licenses/by-nd-nc/1.0/"),
        ("CC-BY-ND-NC-1.0", f"{CC}/licenses/by-nd-nc/1.0/"),
        ("GPL-3.0-only", ""),
        ("CC-BY-4.0 ", ""),
    ],
)
def test_where_a_licence_is_read(licence, url):
    assert licence_url(licence) == url


def pack(**tracks):
    made = Pack("demo-CC-BY-tier1-0001", 1, "CC-BY", "", 1)
    for name, one in tracks.items():
        made.put(f"{name}.ogg", one)
    return made


def paragraphs(text):
    head, _, rest = text.partition("\n\nMusic under")
    return head, {p.split("\n")[0]: p.split("\n")[1:] for p in rest.strip().split("\n\n")[1:]}


def test_a_paragraph_a_file_in_the_order_of_names():
    text = attribution(
        pack(
            b=track("b", title="Be", artist="Bob", holder="Bob B.", licence="CC-BY-4.0"),
            a=track("a", title="Ah", artist="Ann", holder="Ann; Al", licence="CC-BY-3.0"),
        )
    )
    head, told = paragraphs(text)
    assert head == "demo-CC-BY-tier1-0001"
    assert list(told) == ["a.ogg", "b.ogg"]
    assert told["a.ogg"] == [
        "  Title:   Ah",
        "  Artist:  Ann",
        "  Holder:  Ann; Al",
        f"  Licence: CC-BY-3.0 {CC}/licenses/by/3.0/",
        "  Changes: none",
    ]
    assert text.endswith("Changes: none\n")


def test_the_order_of_tracks_does_not_matter():
    one, two = track("a"), track("b")
    assert attribution(pack(a=one, b=two)) == attribution(pack(b=two, a=one))


def test_no_text_makes_a_line_of_its_own():
    nasty = "x\n  Licence: CC0-1.0\r\u2028\u2029\x85\x0b\x0c\x1c y\x1b[31m\x00\x9b"
    text = attribution(pack(a=track("a", title=nasty, artist=nasty, holder=nasty)))
    _, told = paragraphs(text)
    assert len(told["a.ogg"]) == 5
    assert told["a.ogg"][0] == "  Title:   x Licence: CC0-1.0 y[31m"
    assert not set("\x1b\x00\x9b") & set(text)


def test_without_a_holder_there_is_no_such_line():
    assert "Holder" not in attribution(pack(a=track("a", holder="")))


def test_both_licences_of_an_expression_have_their_address():
    text = attribution(pack(a=track("a", licence="CC-BY-3.0 AND CC-BY-SA-4.0")))
    assert f"CC-BY-3.0 AND CC-BY-SA-4.0 {CC}/licenses/by/3.0/ {CC}/licenses/by-sa/4.0/\n" in text
