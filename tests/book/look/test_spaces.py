"""Numbers and their units stay on one line."""

GIVEN = """# Top

Of 3 × 3 windows, *60.2 %* are right: 7 × `a`, and 100 % or 5 per cent. `1 % 2`, $1 \\% 2$.

| share |
| --- |
| 12 % |
"""


def test_spaces_that_would_part_a_number_from_its_unit(tiny_book):
    book = tiny_book("look.spaces")
    book.write(index=GIVEN)
    assert book.build() == []
    html = book.html("index").replace("\N{NO-BREAK SPACE}", "~")
    assert "Of 3~×~3 windows, <em>60.2~%</em> are right: 7~× <code" in html
    assert "and 100~% or 5 per cent" in html
    assert "12~%" in html
