"""The library's pages are written where anything has changed that they are made of."""


def test_pages_are_written_again_where_the_configuration_has_changed(tiny_book):
    book = tiny_book()
    (book.folder / "pack").mkdir()
    (book.folder / "pack" / "__init__.py").write_text('"""A package of one line."""\n')
    with (book.folder / "conf.py").open("a") as conf:
        conf.write('extensions += ["autodoc2", "bookext.reference.unchanged"]\n')
        conf.write('autodoc2_packages = ["pack"]\nautodoc2_output_dir = "api"\n')
        conf.write('autodoc2_render_plugin = "myst"\nautodoc2_index_template = None\n')
        conf.write('include_patterns.append("api/**")\n')
    book.write(index="# Top\n\n```{toctree}\napi/pack/pack\n```\n")
    page = book.folder / "api" / "pack" / "pack.md"

    book.build()
    written = page.read_text()
    assert "{py:module} pack" in written

    page.write_text("# Mine\n")
    book.build()
    assert page.read_text() == "# Mine\n"

    with (book.folder / "conf.py").open("a") as conf:
        conf.write("numfig = True\n")
    book.build()
    assert page.read_text() == written

    page.unlink()
    page.parent.rmdir()
    page.parent.parent.rmdir()
    book.build()
    assert page.read_text() == written
