"""Test that each case of bad data gives one clear message, exit code 1, and no output."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bad_input import CASES, Case, activity, content, lines, with_some, without
from conftest import Run, good_lines, settings_file, snapshot

BEHAVIOUR = "activity/market_file.csv"


@pytest.mark.parametrize("bad", CASES.values(), ids=list(CASES))
def test_bad_data_is_refused_with_one_message_and_nothing_is_written(
    bad: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    data, out, here = (tmp_path / name for name in ("data", "build", "here"))
    for folder in (data, here):
        folder.mkdir()
    bad.write(data)
    monkeypatch.chdir(here)
    before = snapshot(data, out, here)
    found = run("check", "--data", data, "--out", out)
    assert found.code == 1
    assert snapshot(data, out, here) == before
    assert found.out == ""
    first, *_ = [line for line in found.err.splitlines() if line.startswith("The data was")]
    count = len(found.problems)
    assert first == (
        f"The data was refused: {count} problem{'s' * (count != 1)}. Nothing was written."
    )
    for sentence in bad.said:
        assert any(re.search(sentence, problem) for problem in found.problems), found.problems
    assert count == len(bad.said), found.problems
    assert "Traceback" not in found.err
    assert found.err.replace("\n", "").isprintable()


def test_there_are_more_than_enough_kinds() -> None:
    assert len(CASES) >= 24


def test_bad_files_of_both_halves_are_all_named_in_one_message(tmp_path: Path, run: Run) -> None:
    activity("market_file.csv", lambda text: text.replace("Длительность", "Days", 1))(tmp_path)
    content("activity/money.csv", b"")(tmp_path)
    lines(without("CustomerID"), "a.csv")(tmp_path)
    content("transactions/b.csv", b"")(tmp_path)
    with_some(9, Quantity="many")(tmp_path / "c")
    (tmp_path / "c" / "transactions" / "a.csv").rename(tmp_path / "transactions" / "c.csv")
    found = run("check", "--data", tmp_path)
    assert found.code == 1
    assert [problem.split(":")[0].split(",")[0] for problem in found.problems] == [
        "a.csv",
        "b.csv",
        "c.csv",
        "market_file.csv",
        "money.csv",
    ]


def test_a_missing_folder_is_named(tmp_path: Path, run: Run) -> None:
    found = run("check", "--data", tmp_path / "nowhere")
    assert found.code == 1
    (problem,) = found.problems
    assert problem.startswith(f"{tmp_path / 'nowhere'}: there is no such folder. Name a folder")


SETTINGS = {
    "unknown key": (("[report]", "[report]\ncolour = 'red'"), r"\[report\.colour\] Extra inputs"),
    "unknown column": (
        ("quantity = [", "quantty = ["),
        r"\[transactions\.columns\] .*no column quantty",
    ),
    "no TOML": (("[report]", "[report"), r"the settings cannot be read: .*line \d"),
    "wrong type": (('as_of = ""', 'as_of = "soon"'), r"\[report\.as_of\] Input should be a valid"),
    "no pattern": (('"^DCGS"', '"["'), r"product_codes\.1\] .*this is not a regular expression"),
    "no encoding": (('"cp1251"', '"cp9999"'), r"encodings\.2\] .*there is no such encoding"),
    "no format": (('"%d.%m.%Y"', '"dd.mm.yyyy"'), r"date_formats\.\d+\] .*a date format is made"),
}


@pytest.mark.parametrize(("change", "said"), SETTINGS.values(), ids=list(SETTINGS))
def test_broken_settings_are_refused(
    change: tuple[str, str], said: str, tmp_path: Path, run: Run
) -> None:
    lines(good_lines())(tmp_path)
    path = settings_file(tmp_path / "settings.toml", change)
    found = run("check", "--data", tmp_path, "--settings", path)
    assert found.code == 1
    assert any(re.search(said, problem) for problem in found.problems), found.problems
    assert all(problem.startswith("settings.toml: ") for problem in found.problems)


def test_settings_that_lost_their_use_are_ignored(tmp_path: Path, run: Run) -> None:
    lines(good_lines())(tmp_path)
    old = '[[activity.published]]\nsha256 = "5884"\nmodel = "tree"\nroc_auc = 0.9\n\n[engine]'
    path = settings_file(tmp_path / "settings.toml", ("[engine]", old))
    assert run("check", "--data", tmp_path, "--settings", path).code == 0


@pytest.mark.parametrize(
    "arguments", [[], ["chek"], ["check", "--dta", "x"], ["build", "--data"], ["check", "x"]]
)
def test_wrong_usage_is_another_exit_code(arguments: list[str], run: Run) -> None:
    found = run(*arguments)
    assert found.code == 2
    assert "usage: python -m analysis" in found.err


def test_a_few_bad_lines_pass_and_are_counted(tmp_path: Path, run: Run) -> None:
    rows = good_lines(100)
    rows[7] |= {"Quantity": "many"}
    lines(rows)(tmp_path)
    path = tmp_path / "transactions" / "a.csv"
    path.write_text(path.read_text() + "1,2\n", encoding="utf-8")
    found = run("check", "--data", tmp_path)
    assert found.code == 0
    assert "101 rows in 1 file" in found.out
    assert "2 rows refused" in found.out
