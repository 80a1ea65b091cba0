"""The tools that look at the built book: which pages they choose, what they leave behind."""

import gzip

import pytest

from tests.book import audit, screenshots


def test_the_weight_of_a_page_is_that_of_its_files_compressed(tmp_path):
    script, picture = b"let a = 1;\n" * 1000, bytes(range(256)) * 20
    (tmp_path / "a.js").write_bytes(script)
    (tmp_path / "b c.svg").write_bytes(picture)
    page = tmp_path / "page.html"
    page.write_text(
        '<script src="a.js?v=1"></script><script src="a.js"></script><img src="b%20c.svg">'
        '<img src="data:image/png;base64,AAAA"><link href="https://example.org/x.css"><link>'
        '<script src="missing.js"></script><a href="other.html">no part of the page</a>'
    )
    (tmp_path / "other.html").write_text("x" * 1000)
    expected = sum(len(gzip.compress(part)) for part in (page.read_bytes(), script, picture))
    assert audit.weight(page) == expected


def test_the_heaviest_pages_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "SITE", tmp_path)
    for name, length in {"light": 10, "heavy": 5000, "middle": 500}.items():
        # Bytes that no compression makes fewer.
        (tmp_path / f"{name}.html").write_text("".join(chr(32 + i * i % 90) for i in range(length)))
        (tmp_path / f"{name}.svg").write_bytes(b"")
    assert [page.stem for page in audit.heaviest(2)] == ["heavy", "middle"]


def test_screenshots_show_a_page_in_four_looks(site, browser, tmp_path, monkeypatch):
    monkeypatch.setattr(screenshots, "TARGET", tmp_path)
    taken = [
        p
        for look in screenshots.LOOKS
        for p in screenshots.photograph(browser, site / "index.html", look)
    ]
    assert {picture.name.split("-")[1] for picture in taken} == {"light", "dark", "phone", "print"}
    assert len({picture.read_bytes() for picture in taken}) == len(taken)


def test_a_page_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr("sys.argv", ["screenshots", "book/no-such-page"])
    with pytest.raises(
        SystemExit, match=r"no such page: .*book/no-such-page.html; run `make book`"
    ):
        screenshots.main()
