"""Rules on disk become one rulebook; what is broken keeps its last good version and stops nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cep.config import ChannelSpec, Config, StreamSpec, TableSpec
from cep.errors import ConfigError
from cep.loader.files import Loaded, hash_of, load, load_texts


def rule(name: str, over: int = 5, field: str = "speed", number: str | None = None, event: str = "position") -> str:
    return f"rule {name}\n  from {event} where {field} > {number or over}\n\n"


class Folder:
    """A folder of rules that is loaded again and again, as a running process does."""

    def __init__(self, base: Path, **config: object) -> None:
        self.rules = base / "rules"
        self.rules.mkdir(exist_ok=True)
        self.config = Config(base=base, **config)  # type: ignore[arg-type]  # any of its fields
        self.last: Loaded | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.rules / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name("." + path.name + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
        return path

    def load(self) -> Loaded:
        self.last = load(None, self.config, self.last)
        return self.last


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def running(loaded: Loaded) -> dict[str, str]:
    """rule -> the constant it compares with, which tells its version apart."""
    found = {}
    for plan in loaded.rulebook.plans:
        text = repr(plan.body)
        found[plan.id] = text.split("Const(value=")[1].split(",")[0]
    return found


def errors(loaded: Loaded) -> list[tuple[str, str]]:
    return [(Path(one.span.file).name, one.code) for one in loaded.diagnostics if one.level == "error"]


def states(loaded: Loaded) -> dict[str, tuple[bool, bool]]:
    """rule -> (does a version of it run, is it degraded)."""
    return {status.rule: (bool(status.version), status.degraded) for status in loaded.rules}


def test_all_files_below_a_folder_are_read_whatever_their_spelling(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.write("deep/er/b.yml", "rule: two\nfrom: position where speed > 2\n")
    folder.write("c.yaml", "rule: three\nfrom: position where speed > 3\n")
    folder.write("readme.md", "no rules here")
    folder.write(".hidden.cep", rule("four", 4))
    folder.write(".git/d.cep", rule("five", 5))
    loaded = folder.load()
    assert running(loaded) == {"one": "1", "two": "2", "three": "3"}
    assert errors(loaded) == []
    assert not loaded.degraded
    assert loaded.running_hash == hash_of(loaded.texts)
    assert sorted(loaded.texts.values()) == sorted(loaded.sources.values())
    assert {status.rule: Path(status.file).name for status in loaded.rules} == {"one": "a.cep", "two": "b.yml", "three": "c.yaml"}


def test_tests_beside_a_rule_belong_to_the_set(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.write("a.test", 'test one "over"\n  at 0s position {speed: 2}\n  expect 1 alert\n')
    folder.write(
        "one.test.yml", "tests:\n  - name: under\n    given: [{at: 0s, event: {type: position, speed: 1}}]\n    expect: []\n"
    )
    loaded = folder.load()
    assert errors(loaded) == []
    assert sorted(test.name for file in loaded.files for test in file.tests) == ["over", "under"]


def test_links_to_files_and_folders_are_followed_and_rings_end(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "b.cep").write_text(rule("two", 2))
    (tmp_path / "one.cep").write_text(rule("one", 1))
    (folder.rules / "a.cep").symlink_to(tmp_path / "one.cep")
    (folder.rules / "more").symlink_to(tmp_path / "shared")
    (tmp_path / "shared" / "ring").symlink_to(folder.rules)
    assert running(folder.load()) == {"one": "1", "two": "2"}


def test_a_file_that_is_half_written_keeps_all_its_rules_and_stops_no_other(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1) + rule("two", 2))
    folder.write("b.cep", rule("three", 3))
    before = folder.load()
    folder.write("b.cep", rule("three", 30))
    folder.write("a.cep", rule("one", 10) + "rule two\n  from position where (")
    broken = folder.load()
    assert running(broken) == {"one": "1", "two": "2", "three": "30"}
    assert [name for name, _ in errors(broken)] == ["a.cep"]
    assert broken.degraded
    folder.write("a.cep", rule("one", 10) + rule("two", 20))
    whole = folder.load()
    assert running(whole) == {"one": "10", "two": "20", "three": "30"}
    assert not whole.degraded
    assert before.running_hash != whole.running_hash


def test_of_a_file_never_seen_whole_the_good_rules_run(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1) + "rule two\n  from position where (\n\n" + rule("three", 3))
    loaded = folder.load()
    assert running(loaded) == {"one": "1", "three": "3"}
    assert loaded.degraded
    again = load_texts(loaded.texts, folder.config)
    assert running(again) == running(loaded)
    assert not again.degraded


def test_a_rule_that_does_not_compile_keeps_its_last_good_version_alone(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1) + rule("two", 2))
    folder.load()
    folder.write("a.cep", rule("one", 10) + 'rule two\n  from position where lower(speed) > 5 and speed > "x"\n')
    loaded = folder.load()
    assert running(loaded) == {"one": "10", "two": "2"}
    assert states(loaded) == {"one": (True, False), "two": (True, True)}
    assert all(name == "a.cep" for name, _ in errors(loaded))
    [two] = [status for status in loaded.rules if status.rule == "two"]
    assert two.reason
    # the text kept for a start without the disk gives exactly this mixture
    assert running(load_texts(loaded.texts, folder.config)) == {"one": "10", "two": "2"}


def test_a_rule_that_never_compiled_is_left_out_and_named(folder: Folder) -> None:
    folder.write(
        "a.yml", 'rule: one\nfrom: position where speed > "x" and speed > 1\n---\nrule: two\nfrom: position where speed > 2\n'
    )
    loaded = folder.load()
    assert running(loaded) == {"two": "2"}
    assert states(loaded) == {"one": (False, True), "two": (True, False)}
    assert running(load_texts(loaded.texts, folder.config)) == {"two": "2"}


def test_a_last_good_version_survives_any_number_of_broken_ones(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.load()
    for text in (
        "rule one\n  from position where (",
        "rule one\n  from position where speed > nothing(1)\n",
        "",
        "rule one\n  from",
    ):
        folder.write("a.cep", text) if text else None
        assert running(folder.load()) == {"one": "1"}
    folder.write("a.cep", rule("one", 2))
    assert running(folder.load()) == {"one": "2"}


def test_a_name_that_stands_in_two_files_stays_with_the_one_that_ran(folder: Folder) -> None:
    folder.write("m.cep", rule("one", 1))
    folder.load()
    folder.write("a.cep", rule("one", 7) + rule("two", 2))
    loaded = folder.load()
    assert running(loaded) == {"one": "1", "two": "2"}
    assert errors(loaded) == [("a.cep", "E0963")]
    assert running(load_texts(loaded.texts, folder.config)) == {"one": "1", "two": "2"}
    (folder.rules / "m.cep").unlink()
    moved = folder.load()
    assert running(moved) == {"one": "7", "two": "2"}
    assert errors(moved) == []


def test_at_the_first_start_the_first_file_has_the_name(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.write("b.cep", rule("one", 2))
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert errors(loaded) == [("b.cep", "E0963")]


def test_a_name_twice_in_one_file_is_told(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1) + rule("one", 2))
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert [name for name, _ in errors(loaded)] == ["a.cep"]
    assert running(load_texts(loaded.texts, folder.config)) == {"one": "1"}


def test_a_deleted_file_takes_its_rules_with_it(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    path = folder.write("b.cep", rule("two", 2))
    folder.load()
    path.unlink()
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert not loaded.degraded


def test_a_rule_may_move_to_another_file_and_change_on_the_way(folder: Folder) -> None:
    path = folder.write("a.cep", rule("one", 1))
    folder.load()
    path.unlink()
    folder.write("b.cep", "rule one\n  from position where lower(speed) > 5 and speed > 1\n")
    assert running(folder.load()) == {"one": "1"}
    folder.write("b.cep", rule("one", 2))
    assert running(folder.load()) == {"one": "2"}


def test_a_folder_that_is_gone_for_a_moment_ends_nothing(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.load()
    folder.rules.rename(tmp_path / "away")
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert errors(loaded) == [("rules", "E0962")]
    assert loaded.degraded
    (tmp_path / "away").rename(folder.rules)
    folder.write("b.cep", rule("two", 2))
    assert running(folder.load()) == {"one": "1", "two": "2"}


def test_a_folder_that_never_was_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no rules at rules"):
        load(None, Config(base=tmp_path))


def test_an_empty_folder_is_no_fault(folder: Folder) -> None:
    assert running(folder.load()) == {}


@pytest.mark.parametrize("content", [b"rule one\n  from position where name > \xff\n", b"#" * (1024 * 1024 + 1)])
def test_a_file_that_cannot_be_read_as_text_keeps_what_it_ran(folder: Folder, content: bytes) -> None:
    path = folder.write("a.cep", rule("one", 1))
    folder.load()
    path.write_bytes(content)
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert [name for name, _ in errors(loaded)] == ["a.cep"]


def test_a_file_that_is_a_link_to_nowhere_is_not_there(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    (folder.rules / "b.cep").symlink_to("nothing.cep")
    assert running(folder.load()) == {"one": "1"}


def test_a_changed_rule_that_breaks_another_one_goes_back_itself(folder: Folder) -> None:
    folder.write("b.cep", rule("old", 1))
    folder.load()
    folder.write("a.cep", 'rule young\n  from position where speed startswith "x"\n')
    loaded = folder.load()
    assert running(loaded)["old"] == "1"
    assert states(loaded)["old"] == (True, False)


def test_only_a_change_of_content_changes_the_hash(folder: Folder) -> None:
    path = folder.write("a.cep", rule("one", 1))
    first = folder.load()
    os.utime(path, (1, 1))
    assert folder.load().disk_hash == first.disk_hash
    folder.write("a.cep", rule("one", 1) + "# a word\n")
    assert folder.load().disk_hash != first.disk_hash


def test_words_do_not_change_what_decides(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    [before] = folder.load().rules
    folder.write("a.cep", "# a word\n" + rule("one", 1))
    [after] = folder.load().rules
    assert before.version == after.version
    assert before.text_hash != after.text_hash


def test_channels_and_declared_fields_are_held_against_the_rules(tmp_path: Path) -> None:
    channels = {"ops": ChannelSpec("ops", "stdout")}
    streams = {"s": StreamSpec(name="s", type_fixed="position", fields={"speed": "text"})}
    folder = Folder(tmp_path, channels=channels, streams=streams)
    folder.write("a.cep", "rule one\n  from position where speed > 1\n\nrule two\n  from door where opened > 1\n  to opps\n")
    loaded = folder.load()
    assert running(loaded) == {}
    assert len(errors(loaded)) == 2
    assert any("`ops`" in one.help for one in loaded.diagnostics)


def test_tables_are_looked_up_and_a_broken_one_keeps_its_content(tmp_path: Path) -> None:
    folder = Folder(tmp_path, tables={"limits": TableSpec("limits", "limits.csv", "truck")})
    (tmp_path / "limits.csv").write_text("truck,kmh\nL1,80\n")
    folder.write("a.cep", "rule one\n  from position where speed > lookup limits[truck].kmh and speed > 1\n")
    first = folder.load()
    assert errors(first) == []
    assert first.rulebook.tables == {"limits": {"L1": {"truck": "L1", "kmh": 80}}}
    (tmp_path / "limits.csv").write_text("truck,kmh\nL1,80\nL1,90\n")
    broken = folder.load()
    assert errors(broken) == [("limits.csv", "E0959")]
    assert broken.rulebook.tables == first.rulebook.tables
    assert broken.disk_hash != first.disk_hash
    (tmp_path / "limits.csv").write_text("truck,kmh\nL1,90\n")
    mended = folder.load()
    assert mended.rulebook.tables["limits"]["L1"]["kmh"] == 90
    assert mended.rulebook.tables_version != first.rulebook.tables_version


def test_a_rule_whose_column_is_gone_is_named_and_the_others_run(tmp_path: Path) -> None:
    folder = Folder(tmp_path, tables={"limits": TableSpec("limits", "limits.csv", "truck")})
    (tmp_path / "limits.csv").write_text("truck,kmh\nL1,80\n")
    folder.write("a.cep", "rule one\n  from position where speed > lookup limits[truck].kmh and speed > 1\n")
    folder.write("b.cep", rule("two", 2))
    folder.load()
    (tmp_path / "limits.csv").write_text("truck,mph\nL1,50\n")
    loaded = folder.load()
    assert running(loaded) == {"two": "2"}
    assert states(loaded) == {"one": (False, True), "two": (True, False)}


def test_texts_of_the_last_good_generation_fill_in_for_a_broken_disk(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.write("b.cep", rule("two", 2))
    texts = folder.load().texts
    folder.write("a.cep", "rule one\n  from position where (")
    (folder.rules / "b.cep").unlink()
    folder.last = load_texts(texts, folder.config)  # as a new process does, with what Redis kept
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert loaded.degraded


def test_what_was_kept_fits_whatever_folder_the_process_starts_in(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.rules)
    folder.write("a.cep", rule("one", 1))
    first = folder.load()
    monkeypatch.chdir("/")
    folder.write("a.cep", "rule one\n  from position where (")
    folder.last = load_texts(first.texts, folder.config)
    loaded = folder.load()
    assert running(loaded) == {"one": "1"}
    assert loaded.running_hash == first.running_hash
    assert [status.degraded for status in loaded.rules] == [True]


def test_an_unchanged_file_is_not_read_again_and_its_faults_are_told_again(folder: Folder) -> None:
    folder.write("a.cep", rule("one", 1))
    folder.write("b.cep", "rule two\n  from position where (")
    first = folder.load()
    folder.write("a.cep", rule("one", 2))
    second = folder.load()
    assert running(second) == {"one": "2"}
    assert errors(second) == errors(first) == [("b.cep", first.diagnostics[0].code)]
    [path] = [path for path in first.read if path.endswith("b.cep")]
    assert second.read[path] is first.read[path]


def test_cep_yml_and_tables_among_the_rules_are_not_taken_for_rules(tmp_path: Path) -> None:
    (tmp_path / "cep.yml").write_text("rules: .\n")
    (tmp_path / "t.yml").write_text("a: {x: 1}\n")
    (tmp_path / "a.cep").write_text(rule("one", 1))
    config = Config(base=tmp_path, rules=(".",), tables={"t": TableSpec("t", "t.yml", "id")})
    loaded = load(None, config)
    assert running(loaded) == {"one": "1"}
    assert errors(loaded) == []


def test_files_may_be_named_one_by_one_and_more_than_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder.write("a.cep", rule("one", 1))
    folder.write("b.cep", rule("two", 2))
    monkeypatch.chdir(folder.rules)
    loaded = load([Path("a.cep").absolute(), path], folder.config)
    assert running(loaded) == {"one": "1"}
    assert list(loaded.sources) == ["a.cep"]
