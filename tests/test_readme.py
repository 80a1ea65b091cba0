"""What the README shows works when pasted, and the project's own files agree with each other."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import cnnref
from cnnref.data import DATASETS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_python_examples_run_as_pasted(in_a_fork):
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 3
    outputs = []
    for example in examples:
        found = in_a_fork(f"import warnings\nwarnings.simplefilter('error')\n{example}")
        assert found.returncode == 0, found.stderr
        outputs.append(found.stdout)
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert outputs[0] == shown
    assert outputs[1].splitlines() == ["16", "15", "28", "torch.Size([1, 3, 32, 32])"]
    assert outputs[2].startswith("cats-dogs-plain: test accuracy")


def test_its_table_of_counters_is_what_they_counted():
    compared = json.loads((ROOT / "tests" / "peers" / "compared.json").read_text())["networks"]
    _, *tools = re.findall(r"\w+", re.search(r"^\| \| (cnnref .*)", README, re.MULTILINE)[1])
    names = {"ResNet-50": "resnet50", "ViT-B/16": "vit_b_16", "a dilated CNN": "IU-4"}
    for name, network in names.items():
        row = re.search(rf"^\| ({re.escape(name)}.*) \|$", README, re.MULTILINE)[1]
        counted = compared[network]
        macs = [counted["ours"]["macs"], *(counted["peers"][tool]["macs"] for tool in tools)]
        assert [int(cell.replace(",", "")) for cell in row.split(" | ")[1:]] == macs


def test_so_many_architectures_were_walked():
    """All that were walked have the MACs of torch's counter, as the README says."""
    found = (ROOT / "benchmarks" / "architectures.md").read_text()
    rows = re.findall(r"^\| \w+ [\d.]+ \| (\d+) \| \d+ \| \d+ \| (\d+) of", found, re.MULTILINE)
    walked, alike = (sum(map(int, column)) for column in zip(*rows, strict=True))
    assert walked == alike == int(re.search(r"all (\d+) architectures", README)[1])


def test_its_commands_exist():
    help_text = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for target in re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}\b", help_text, re.MULTILINE), target
    for words in re.findall(r"^cnnref (.+?)(?: {2,}#.*)?$", README, re.MULTILINE):
        command = words.split()[: 2 if words.startswith("data") else 1]
        subprocess.run(
            [sys.executable, "-m", "cnnref", *command, "--help"], check=True, capture_output=True
        )


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == cnnref.__version__ == citation["version"]
    assert f"## {cnnref.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("workflow", ["publish", "test"])
def test_each_workflow_fetches_all_data_and_its_cache_says_so(workflow):
    """A published page without its data shows a note in place of each picture."""
    made = {"synthetic", "far-pairs", "kats-cat", "kats-cat-moved"}  # not fetched
    wanted = {name for name, info in DATASETS.items() if not info.parent} - made
    text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text()
    (fetched,) = re.findall(r"cnnref data fetch (.*)", text)
    assert set(fetched.split()) == wanted
    assert re.findall(r"key: (data-.*)", text) == [f"data-{fetched.replace(' ', '-')}"]


def test_the_typed_numbers_of_the_experiment_chapters():
    """Results stand in prose only by glue: no typed percentages, no typed decimals."""
    constants = {"0.5", "95 %"}  # a coin, the intervals
    # What was set, and not what came out.
    setting = r"\b(?:rates?|dropout|probability|decay of)(?: \d*\.\d+(?:,| and| or|\b))+"
    # The written question on zip codes is given these, and its text computes with them.
    zip_codes = {"0.9985", "0.99252", "0.9925", "0.2", "2.5 %", "0.999", "0.9995", "0.9965"}
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    results = [part for part in parts if part["caption"] in {"Experiments", "Appendices"}]
    experiments = [entry for part in results for entry in part["chapters"]]
    assert len(experiments) >= 12
    for chapter in (entry["file"].removeprefix("book/") for entry in experiments):
        text = (ROOT / "book" / f"{chapter}.md").read_text()
        prose = re.sub(r"^---\n.*?^---\n", "", text, count=1, flags=re.DOTALL | re.MULTILINE)
        prose = re.sub(r"^```.*?^```", "", prose, flags=re.DOTALL | re.MULTILINE)
        prose = re.sub(r"\$[^$]*\$|`[^`]*`|^:\w+:.*$", "", prose, flags=re.MULTILINE)
        prose = re.sub(setting, "", re.sub(r"\s+", " ", prose))
        prose = re.sub(r"\b(?:UT|IU|MIT|BO)-\w*[\d.]+\b|\(4\.2\.\d\)|\*4\.2\.\d\.\*", "", prose)
        typed = re.findall(r"\d+(?:\.\d+)?\s?%|\b\d+\.\d+\b", prose)
        asked = chapter in {"reading-digits", "zip-codes"}
        known = constants | (zip_codes if asked else set())
        assert set(typed) <= known, f"{chapter}: {typed}"
