"""What pages wait for: one style sheet without what no page needs, and no script."""

import re
from types import SimpleNamespace

import pytest
import tinycss2

from bookext.look import assets
from bookext.look.icons import code_points

from ..conftest import ROOT
from ..pages import SCRIPTS_RUN

LATE_SCRIPTS = re.sub(
    r"\{#.*?#\}", "", (ROOT / "book" / "_templates" / "late-scripts.html").read_text("utf-8")
).strip()


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


def test_scripts_run_in_order_once_the_page_is_shown(browser, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.js").write_text(
            f"ran.push('{name}', document.readyState, Boolean(document.querySelector('p')));"
            "window.DOCUMENTATION_OPTIONS ??= {};"
        )
    scripts = '<script defer src="b.js"></script><script src="c.js" data-a="1"></script>'
    option = "<script>DOCUMENTATION_OPTIONS.pagename = 'x';</script>"
    delayed = assets.delay(
        f'<script>ran = []</script><script src="a.js"></script>{option}{scripts}'
    )
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    html = f"<!doctype html><head>{delayed}{LATE_SCRIPTS}</head><body><p>Text"
    (tmp_path / "page.html").write_text(html)
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


SHEETS = {
    "a.css": '@charset "utf-8";@import url("sub/b.css?v=1");.a{background:url(x.svg)}.no{top:0}',
    "sub/b.css": ".b{background:url('../y.svg')}.c{background:url(data:image/png;base64,A=)}",
    "print.css": "p{color:black}",
    "explorer.css": ".own{top:0}",
}
INDEX = """<title>Index</title>
<link rel="stylesheet" href="_static/a.css?v=1" />
<link rel="stylesheet" media="print" href="_static/print.css" />
"""
ONE = """<link href="../_static/a.css?v=1" rel="stylesheet">
<link rel="stylesheet" href="../_static/explorer.css">
<link rel="stylesheet" media="print" href="../_static/print.css" />
"""


def sheets(html):
    return re.findall(r'<link[^>]*href="([^"?]*\.css)', html)


def test_pages_share_one_sheet_and_keep_their_own():
    one, index = assets.one_sheet({}, ONE), assets.one_sheet({}, INDEX)
    assert sheets(one) == ["../_static/look.css", "../_static/explorer.css"]
    assert sheets(index) == ["_static/look.css"]
    assert "<title>Index</title>" in index
    assert assets.one_sheet({}, "<title>None</title>") == "<title>None</title>"


def test_a_browser_is_told_when_a_sheet_has_changed():
    one, index, edited = (
        re.search(r"look\.css\?v=(\w{8})", assets.one_sheet({}, head))[1]
        for head in (ONE, INDEX, INDEX.replace("v=1", "v=2"))
    )
    assert one == index != edited


class App:
    """What `finish` knows of Sphinx."""

    def __init__(self, outdir):
        self.outdir = outdir
        self.builder = SimpleNamespace(name="html")


def test_the_sheet_holds_what_some_page_may_need(tmp_path):
    static = tmp_path / "_static"
    for name, text in SHEETS.items():
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        (static / name).write_text(text)
    (static / "vendor" / "fontawesome" / "webfonts").mkdir(parents=True)
    (static / "s.js").write_text("document.body.className = 'c'")
    (tmp_path / "index.html").write_text('<script src="_static/s.js"></script><p class="a b">')
    app = App(tmp_path)
    assets.one_sheet(assets.sheets_of(app), INDEX)
    assets.finish(app, None)
    assert (static / "look.css").read_text().replace("\n", "") == (
        ".b{background:url(y.svg)}.c{background:url(data:image/png;base64,A=)}"
        ".a{background:url(x.svg)}@media print{p{color:black}}"
    )


def test_the_built_book_waits_for_one_style_sheet(site):
    for path in (site / "index.html", site / "book" / "pooling.html"):
        html = path.read_text(encoding="utf-8")
        (shared,) = (name for name in sheets(html) if "explorer" not in name)
        assert (path.parent / shared).is_file()
        assert re.findall(r'<script(?! type="late")[^>]*src=[^>]*>', html) == []
        assert html.count(LATE_SCRIPTS) == 1
