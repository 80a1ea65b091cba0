"""Formulas, images, the API reference and the pages' repairs, in tiny books."""

import json
import pickle
import re

import pytest
from bs4 import BeautifulSoup
from docutils import nodes

from bookext.look.images import has_good_alt
from bookext.look.mathrender import FormulaError, MathJax
from bookext.look.pages import repair
from bookext.reference.external import documentation_url
from bookext.reference.google import to_myst

from .conftest import ROOT, notebook

# --- formulas ---------------------------------------------------------------------------------


def test_formulas_become_drawings(tiny_book):
    book = tiny_book()
    block = "$$\na &= b \\\\ c &= d\n$$ (eq-a)"
    book.write(index=f"# Top\n\nInline ($x_1$), and $y$ too.\n\n{block}\n\nSee {{eq}}`eq-a`.\n")
    assert book.build() == []
    html = book.html("index")
    assert html.count("<math") == 3
    tied = r'<span class="math-and-mark">\(<span class="math.*?</math></span></span>\),</span> and'
    assert re.search(tied, html, re.DOTALL)
    assert html.count("math-and-mark") == 1
    assert "\\\\" not in html
    used = re.findall(r'href="#(MJX-[^"]+)"', html)
    assert sorted(set(used)) == re.findall(r'id="(MJX-[^"]+)"', html)
    assert len(set(used)) < len(used)
    assert 'class="eqno">(1)' in html


def test_bad_latex_is_a_warning_with_its_place(tiny_book):
    book = tiny_book()
    mistakes = [r"\frac{a}{", r"\nonsense{a}", r"\begin{aligned} a"]
    book.write(index="# Top\n\n" + "\n\n".join(f"Inline ${tex}$." for tex in mistakes))
    found = book.build()
    assert len(found) == 3
    for line, tex, warning in zip((3, 5, 7), mistakes, found, strict=True):
        assert f"index.md:{line}: WARNING: formula not understood" in warning
        assert tex in warning


def test_mathjax_survives_a_mistake():
    mathjax = MathJax()
    try:
        with pytest.raises(FormulaError, match="Undefined control sequence"):
            mathjax.typeset(r"\nonsense", display=False)
        formula = mathjax.typeset(r"\left( \sum_i x_i \right)", display=True)
        assert "MJX-TEX-LO-2211" in formula["glyphs"]
        assert all(f'href="#{name}"' in formula["svg"] for name in formula["glyphs"])
        assert "<path" not in formula["svg"]
    finally:
        mathjax.close()


# --- images -----------------------------------------------------------------------------------

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


def image_cell(metadata, options=""):
    show = f"display({{'image/svg+xml': '{SVG}'}}, metadata={metadata}, raw=True)"
    return f"```{{code-cell}} ipython3\n{options}from IPython.display import display\n{show}\n```\n"


def test_alternative_texts_come_from_the_run(tiny_book):
    book = tiny_book("look.images")
    figure = "---\nmystnb: {figure: {caption: A square., name: fig-a}}\n---\n"
    book.write(index=notebook(
        "# Top\n\n"
        + image_cell({"image/svg+xml": {"alt": "A black square."}})
        + image_cell({"alt": "Another one."}, figure)
    ))  # fmt: skip
    assert book.build() == []
    html = book.html("index")
    assert 'alt="A black square."' in html
    assert 'alt="Another one."' in html
    assert re.search(r'<figure class="[^"]*" id="fig-a">', html)


TRAINED = """\
```{code-cell} ipython3
---
mystnb: {figure: {caption: Three runs., name: fig-three}}
---
from cnnref.experiments import run
from cnnref.figures.style import Picture, new_figure

results = [run(name) for name in ("rate-1e-1", "rate-1e-2")]
Picture(new_figure(1, 1)[0], "Two rates.").drawn_from(results)
```

```{code-cell} ipython3
Picture(new_figure(1, 1)[0], "Nothing trained.")
```
"""


def test_a_figure_says_which_records_it_was_drawn_from(tiny_book):
    book = tiny_book("look.images", "running.execution")
    book.write(index=notebook("# Top\n\n" + TRAINED))
    assert book.build(CNNREF_EXPERIMENTS="stored") == []
    page = BeautifulSoup(book.html("index"), "html.parser")
    (said,) = page.select("details.trained")
    assert said.find_previous_sibling("figure")["id"] == "fig-three"
    facts = [
        json.loads((ROOT / "cnnref" / "results" / name / f"seed-{seed}.json").read_text())
        for name in ("rate-1e-1", "rate-1e-2")
        for seed in range(5)
    ]
    dates = sorted({fact["provenance"]["date"][:10] for fact in facts})
    (device,) = {fact["provenance"]["device_name"] for fact in facts}
    when = " to ".join(dict.fromkeys([dates[0], dates[-1]]))
    summary = f"Trained: rate-1e-1 and rate-1e-2, 5 seeds each, {device}, {when}"
    assert said.summary.get_text() == summary
    first, second = (line.get_text() for line in said.select("li"))
    assert "cnnref/results/rate-1e-1/seed-{0,1,2,3,4}.json; cnnref run rate-1e-1" in first
    assert second.startswith("rate-1e-2: ")


def test_a_missing_alternative_text_is_a_warning(tiny_book):
    book = tiny_book("look.images")
    (book.folder / "picture.svg").write_text(SVG)
    bodies = [
        image_cell({}),
        image_cell({"image/svg+xml": {"alt": "figure.svg"}}),
        "![](picture.svg)\n",
        "![picture.svg](picture.svg)\n",
    ]
    book.write(index=notebook("# Top\n\n" + "\n".join(bodies)))
    found = book.build()
    assert len(found) == len(bodies)
    assert all("WARNING: image without an alternative text" in warning for warning in found)


@pytest.mark.parametrize(
    ("alt", "good"),
    [("A cat.", True), ("", False), (" ", False), ("a/b.png", False), ("Training loss", True)],
)
def test_what_an_alternative_text_is(alt, good):
    assert has_good_alt(nodes.image(uri="x.svg", alt=alt)) is good


# --- the API reference ------------------------------------------------------------------------


def test_google_docstrings_become_fields():
    text = to_myst(
        """Do it, as $y = x$.

        Args:
            x: input: with a colon,
                and a second line.
            *more: others.

        Returns:
            The `y`: two lines
            of it.

        Raises:
            ValueError: if not.

        Example:
            >>> do(1)
            1

            and so on.
        """
    )
    assert ":param x: input: with a colon,\n          and a second line." in text
    assert r":param \*more: others." in text
    assert ":returns: The `y`: two lines\n          of it." in text
    assert ":raises ValueError: if not." in text
    assert "```{code-block} pycon\n>>> do(1)\n1\n```\n\nand so on." in text


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("int", "https://docs.python.org/3/library/functions.html#int"),
        ("ValueError", "https://docs.python.org/3/library/exceptions.html#ValueError"),
        ("collections.abc.Sequence",
         "https://docs.python.org/3/library/collections.abc.html#collections.abc.Sequence"),
        ("fractions.Fraction",
         "https://docs.python.org/3/library/fractions.html#fractions.Fraction"),
        ("str", "https://docs.python.org/3/library/stdtypes.html#str"),
        ("BaseException", "https://docs.python.org/3/library/exceptions.html#BaseException"),
        ("multiprocessing.connection.Connection",
         "https://docs.python.org/3/library/multiprocessing.html#multiprocessing.connection.Connection"),
        ("torch.Tensor", "https://docs.pytorch.org/docs/stable/tensors.html#torch.Tensor"),
        ("torch.nn.functional.conv1d",
         "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv1d.html"),
        ("None", "https://docs.python.org/3/library/constants.html#None"),
        ("torch.dtype", "https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype"),
        ("torch.nn.Module", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html"),
        ("numpy.ndarray", "https://numpy.org/doc/stable/reference/generated/numpy.ndarray.html"),
        ("numpy.int64",
         "https://numpy.org/doc/stable/reference/arrays.scalars.html#numpy.int64"),
        ("argparse._SubParsersAction", ""),
        ("safetensors.safe_open", None),
        ("torch.no_such_name", None),
        ("json.no_such_name", None),
        ("nothing.at.all", None),
    ],
)  # fmt: skip
def test_external_names_have_addresses(name, url):
    assert documentation_url(name) == url


def test_a_page_of_the_reference_is_kept_without_the_documents_it_was_made_of(site):
    kept = site.parent / ".doctrees" / "book" / "api" / "cnnref" / "cnnref.errors.doctree"
    page = pickle.loads(kept.read_bytes())
    assert {id(node.document) for node in page.findall()} == {id(page)}


# --- pages ------------------------------------------------------------------------------------


def test_repairs():
    body = '<section class="x" id="exercise-content"><div role="list" class="citation-list">'
    assert repair(body) == '<section class="exercise-content"><div class="citation-list">'


def test_cells_that_wait_for_data_are_shown_as_plain_python(tiny_book):
    book = tiny_book("look.highlighting")
    source = "%%needs cifar10\nfor image in ():\n    pass\n"
    book.write(index=f"# Top\n\n```{{code-block}} ipython3\n{source}```\n")
    assert book.build() == []
    html = book.html("index")
    assert BeautifulSoup(html, "html.parser").pre.get_text() == source.partition("\n")[2]
    assert '<span class="k">for</span>' in html


def test_the_index_counts(site):
    index = (site / "genindex.html").read_text(encoding="utf-8")
    places = [index.index(f">UT-P1.{number}<") for number in range(1, 12)]
    assert places == sorted(places)


def test_the_list_of_listings_is_flat():
    from bookext.look.pages import flat

    nested = "<h1>All</h1><ul><li>a</li>\n<ul><li>a.b</li>\n</ul><li>c</li>\n</ul>"
    assert flat(nested) == "<h1>All</h1><ul><li>a</li>\n<li>a.b</li>\n<li>c</li>\n</ul>"
