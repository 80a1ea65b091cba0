"""What the check of all pages finds, and what it need not look at twice."""

import pytest

from .accessibility import Accessibility


@pytest.fixture
def check(browser):
    """Checks a page of these elements, with the memory of the checks before."""
    page = browser.new_context().new_page()
    accessibility = Accessibility()

    def check(html, **which):
        page.set_content(f"<!doctype html><html lang=en><title>T</title><main>{html}</main></html>")
        accessibility.check(page, "main", **which)

    yield check
    page.context.close()


FINE = "<p>Fine.</p>"
FAINT = [
    "<p style='color: #aaa'>Faint.</p>",
    "<div style='background: #222'><p>Faint.</p></div>",
    "<div style='opacity: 0.3'><p>Faint.</p></div>",
    "<div style='background: #222'><p style='color: white'>Fine. <b style='color: #444'>Not.</b>",
]


@pytest.mark.parametrize("html", FAINT)
def test_faint_words_are_found_among_words_that_have_passed(check, html):
    check(FINE)
    for _ in range(2):
        with pytest.raises(AssertionError, match="color-contrast"):
            check(FINE + html)


def test_a_kind_that_has_passed_is_not_measured_again(check, monkeypatch):
    check(FINE)
    monkeypatch.setattr(Accessibility, "_ask", None)
    check(FINE * 3, structure=False)
    with pytest.raises(TypeError):
        check("<p>Fine, <em>too</em>.</p>", structure=False)


def test_an_image_without_words_is_found(check):
    with pytest.raises(AssertionError, match="image-alt"):
        check(FINE + "<img src='data:,'>", colours=False)
