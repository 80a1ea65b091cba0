"""What pages wait for: one style sheet without what no page needs, and no script."""

import re
from types import SimpleNamespace

import pytest
import tinycss2

from bookext.look import assets
from bookext.look.icons import code_points

from ..conftest import ROOT
from ..pages import SCRIPTS_RUN


def pruned(css, *known):
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(assets.prune(rules, set(known))).replace("\n", "")


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        ("p{color:red}", "p{color:red}"),
        (".a{color:red}", ".a{color:red}"),
        (".b{color:red}", ""),
        (".a .b{color:red}", ""),
        (".a.b{color:red}", ""),
        (".a,.b,p{color:red}", ".a,p{color:red}"),
        ("p:not(.b){color:red}", "p:not(.b){color:red}"),
        (":is(.b,p){color:red}", ":is(.b,p){color:red}"),
        ('[data-x=".b"]{color:red}', '[data-x=".b"]{color:red}'),
        ("/* .a */ .b{color:red}", ""),
        ("@media print{.a{color:red}.b{color:red}}", "@media print{.a{color:red}}"),
        ("@media print{.b{color:red}}", ""),
        ("@font-face{font-family:x}", "@font-face{font-family:x}"),
        ("@keyframes b{to{opacity:0}}", "@keyframes b{to{opacity:0}}"),
        (":root{--x:1px;--y:{}}", ":root{--x:1px;--y:{}}"),
    ],
)
def test_rules_stay_where_some_selector_may_match(css, kept):
    assert pruned(css, "a") == kept


def test_icons_are_found_in_both_spellings():
    sun = r'.fa-sun:before{content:"\f185"}.x{content:"\f107"}'
    cat = r'.fa-cat:before{content:"\f6be"}'
    assert code_points(pruned(sun + cat, "fa-sun", "x")) == {0xF185, 0xF107}
    assert code_points("a{content:'\uf6be'}") == {0xF6BE}


def test_a_class_may_come_from_a_page_or_a_script():
    known = assets.known_classes(['<p class="a b-c">', '<i class="">'], ["x.classList.add('d-e')"])
    assert {"a", "b-c", "d-e"} <= known
    assert "p" not in known


def test_only_programs_that_pages_run_are_searched_for_classes(tmp_path):
    for name in ("run", "idle", "searchindex"):
        (tmp_path / f"{name}.js").write_text(name)
    page = '<script type="late" src="../run.js?v=1"></script><script src="searchindex.js"></script>'
    assert list(assets.scripts_of(tmp_path, [page])) == ["run"]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<script src="a.js"></script>', '<script type="late" src="a.js"></script>'),
        ('<script defer src="a.js"></script>', '<script type="late" src="a.js"></script>'),
        ('<script defer="defer" src="a.js"></script>', '<script type="late" src="a.js"></script>'),
        ('<script async src="a.js"></script>', '<script async src="a.js"></script>'),
        ("<script>let x = 1;</script>", "<script>let x = 1;</script>"),
        (
            "<script>DOCUMENTATION_OPTIONS.pagename = 'a';</script>",
            '<script>addEventListener("scripts-run", () => '
            "{DOCUMENTATION_OPTIONS.pagename = 'a';});</script>",
        ),
    ],
)
def test_scripts_wait_for_the_page(html, expected):
    assert assets.delay(html) == expected
    assert assets.delay(expected) == expected


def test_scripts_run_in_order_once_the_page_is_shown(browser, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.js").write_text(
            f"ran.push('{name}', document.readyState, Boolean(document.querySelector('p')));"
            "window.DOCUMENTATION_OPTIONS ??= {};"
        )
    scripts = '<script defer src="b.js"></script><script src="c.js" data-a="1"></script>'
    option = "<script>DOCUMENTATION_OPTIONS.pagename = 'x';</script>"
    html = f'<head><script>ran = []</script><script src="a.js"></script>{option}{scripts}</head>'
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    (tmp_path / "page.html").write_text(assets.delay(f"<!doctype html>{html}<body><p>Text"))
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_function(SCRIPTS_RUN)
    told = page.evaluate("[ran, DOCUMENTATION_OPTIONS.pagename]")
    ready = ["interactive", "complete"]
    page.close()
    assert (told[0][::3], told[0][2::3], told[1]) == (["a", "b", "c"], [True] * 3, "x")
    assert set(told[0][1::3]) <= set(ready)
    assert errors == []


MEASURING = """
asked = [];
document.querySelectorAll("pre").forEach((box) => {
  asked.push(box.scrollWidth);
  box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
});
"""
FAR_BELOW = "section { content-visibility: auto; contain-intrinsic-size: 9px 9999px; }"


def test_no_box_is_measured_by_the_theme_before_it_is_laid_out(browser, tmp_path):
    (tmp_path / "book.js").write_text((ROOT / "book" / "_static" / "book.js").read_text("utf-8"))
    (tmp_path / "theme.js").write_text(MEASURING)
    box = "<pre style='width: 9px; overflow: auto'>A long line.</pre>"
    scripts = "".join(f"<script defer src='{name}.js'></script>" for name in ("book", "theme"))
    (tmp_path / "page.html").write_text(
        f"<!doctype html><style>{FAR_BELOW}</style>{scripts}"
        f"<article><p style='height: 9999px'></p><section>{box}</section></article>"
    )
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("asked") == [0]
    assert page.locator("pre").get_attribute("tabindex") == "-1"
    page.locator("section").last.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('pre').tabIndex === 0")
    page.close()


@pytest.fixture
def built(tmp_path):
    """A site of two pages, one of which has a style sheet of its own."""
    files = {
        "_static/a.css": '@charset "utf-8";@import url("sub/b.css?v=1");'
        ".a{background:url(x.svg)}.no{top:0}",
        "_static/sub/b.css": ".b{background:url('../y.svg')}"
        ".c{background:url(data:image/png;base64,A=)}",
        "_static/print.css": "p{color:black}",
        "_static/own.css": ".own{top:0}",
        "_static/s.js": "document.body.className = 'c'",
        "_static/vendor/fontawesome/webfonts/note": "",
        "index.html": '<link rel="stylesheet" href="_static/a.css?v=1" />\n'
        '<link rel="stylesheet" media="print" href="_static/print.css" />\n'
        '<script src="_static/s.js"></script><p class="a">',
        "book/one.html": '<link href="../_static/a.css" rel="stylesheet">\n'
        '<link rel="stylesheet" href="../_static/own.css">\n'
        '<link rel="stylesheet" media="print" href="../_static/print.css" />\n'
        '<script src="../_static/s.js"></script><p class="b">',
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assets.finish(SimpleNamespace(outdir=tmp_path, builder=SimpleNamespace(name="html")), None)
    return tmp_path


def sheets(path):
    return re.findall(r'<link[^>]*href="([^"]*\.css)', path.read_text())


def test_pages_share_one_sheet_and_keep_their_own(built):
    (look,) = (built / "_static").glob("look-*.css")
    assert sheets(built / "index.html") == [f"_static/{look.name}"]
    assert sheets(built / "book" / "one.html") == [f"../_static/{look.name}", "../_static/own.css"]
    css = look.read_text().replace("\n", "")
    assert css == (
        ".b{background:url(y.svg)}.c{background:url(data:image/png;base64,A=)}"
        ".a{background:url(x.svg)}@media print{p{color:black}}"
    )


def test_finishing_twice_changes_nothing(built):
    before = {path: path.read_bytes() for path in built.rglob("*.*")}
    assets.finish(SimpleNamespace(outdir=built, builder=SimpleNamespace(name="html")), None)
    assert {path: path.read_bytes() for path in built.rglob("*.*")} == before


def test_the_built_book_waits_for_one_style_sheet(site):
    for path in (site / "index.html", site / "book" / "pooling.html"):
        html = path.read_text(encoding="utf-8")
        shared = [name for name in sheets(path) if "explorer" not in name]
        assert len(shared) == 1, shared
        assert re.findall(r'<script(?! type="late")[^>]*src=[^>]*>', html) == []
        assert html.count(assets.LOADER) == 1
