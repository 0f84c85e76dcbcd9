"""Watching: real files, really replaced. Waits are on what the watcher says, never on the clock."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cep.loader.config import read_config
from cep.loader.files import Loaded, load
from cep.loader.watch import Watcher

DEADLINE_S = 20.0


def rule(name: str, over: int) -> str:
    return f"rule {name}\n  from position where speed > {over}\n"


def replace(path: Path, text: str) -> None:
    """As editors and deployments do: the whole new file takes the place of the old one."""
    fresh = path.with_name(".new")
    fresh.write_text(text)
    fresh.replace(path)


class Watched:
    """A watcher over a folder, and the means to wait until it says something."""

    def __init__(self, base: Path, *, quiet_ms: int = 50, look_every_s: float = 0.5) -> None:
        self.base, self.rules = base, base / "rules"
        self.rules.mkdir(exist_ok=True)
        self.config_path = base / "cep.yml"
        self.config_path.touch()
        replace(self.rules / "a.cep", rule("one", 1))
        self._said = threading.Event()
        self.first = load(None, read_config(self.config_path))
        self.watcher = Watcher(
            self.first, config_path=self.config_path, wake=self._said.set, quiet_ms=quiet_ms, look_every_s=look_every_s
        )

    def until(self, seen: object) -> Loaded:
        """The first rule set for which `running` says what is asked; others on the way are let pass."""
        while True:
            assert self._said.wait(DEADLINE_S), f"the watcher never said {seen}"
            self._said.clear()
            loaded = self.watcher.poll()
            if loaded is not None and running(loaded) == seen:
                return loaded


def running(loaded: Loaded) -> dict[str, str]:
    return {plan.id: repr(plan.body).split("Const(value=")[1].split(",")[0] for plan in loaded.rulebook.plans}


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path)
    with found.watcher:
        yield found


def test_a_replaced_file_a_new_one_and_a_deleted_one_are_seen(watched: Watched) -> None:
    replace(watched.rules / "a.cep", rule("one", 2))
    watched.until({"one": "2"})
    replace(watched.rules / "b.cep", rule("two", 5))
    watched.until({"one": "2", "two": "5"})
    (watched.rules / "a.cep").unlink()
    assert not watched.until({"two": "5"}).degraded


def test_a_file_written_in_two_halves_ends_as_the_whole(watched: Watched) -> None:
    with (watched.rules / "a.cep").open("r+") as file:  # never empty in between, when a look would find no rule at all
        file.write("rule one\n  from position where speed > (")
        file.flush()
        half = watched.until({"one": "1"})
        assert half.degraded
        file.write("1 + 6)\n")
    whole = watched.until({"one": "7"})
    assert not whole.degraded
    assert whole.running_hash != watched.first.running_hash


def test_a_new_folder_is_watched_too(watched: Watched) -> None:
    (watched.rules / "more").mkdir()
    replace(watched.rules / "more" / "b.cep", rule("two", 2))
    watched.until({"one": "1", "two": "2"})
    replace(watched.rules / "more" / "b.cep", rule("two", 3))
    watched.until({"one": "1", "two": "3"})


def test_the_link_that_a_config_map_swaps_is_seen(tmp_path: Path) -> None:
    mount = tmp_path / "rules"
    for number in (1, 2):
        (mount / f"..{number}").mkdir(parents=True)
        (mount / f"..{number}" / "m.cep").write_text(rule("mounted", number))
    (mount / "..data").symlink_to("..1")
    (mount / "m.cep").symlink_to("..data/m.cep")
    watched = Watched(tmp_path)
    assert running(watched.first) == {"one": "1", "mounted": "1"}
    with watched.watcher:
        (mount / "..new").symlink_to("..2")
        os.replace(mount / "..new", mount / "..data")  # noqa: PTH105  the swap itself is the subject
        watched.until({"one": "1", "mounted": "2"})


def test_what_no_event_tells_is_found_by_looking(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.cep").write_text(rule("two", 1))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "b.cep").symlink_to(tmp_path / "elsewhere" / "b.cep")  # a folder that is not watched
    watched = Watched(tmp_path, look_every_s=0.2)
    with watched.watcher:
        replace(tmp_path / "elsewhere" / "b.cep", rule("two", 2))
        watched.until({"one": "1", "two": "2"})


def test_the_same_content_written_again_says_nothing(watched: Watched) -> None:
    replace(watched.rules / "a.cep", rule("one", 1))
    assert watched.watcher.look() is False
    assert watched.watcher.poll() is None
    assert watched.first.disk_hash == load(None, watched.first.config).disk_hash


def test_between_two_polls_only_the_newest_is_kept(tmp_path: Path) -> None:
    watched = Watched(tmp_path)  # not started: this looks by itself
    for over in (2, 3, 4):
        replace(watched.rules / "a.cep", rule("one", over))
        assert watched.watcher.look()
    newest = watched.watcher.poll()
    assert newest is not None
    assert running(newest) == {"one": "4"}
    assert watched.watcher.poll() is None


def test_new_channels_count_and_what_needs_a_restart_is_told(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.config_path.write_text("channels: {log: {stdout: true}}\n")
    replace(watched.rules / "a.cep", rule("one", 1) + "  to ops\n")
    assert watched.watcher.look()
    unknown = watched.watcher.poll()
    assert unknown is not None
    assert unknown.degraded
    watched.config_path.write_text("channels: {ops: {stdout: true}}\nredis: redis://elsewhere\n")
    assert watched.watcher.look()
    loaded = watched.watcher.poll()
    assert loaded is not None
    assert running(loaded) == {"one": "1"}
    assert not loaded.degraded
    assert list(loaded.config.channels) == ["ops"]
    assert loaded.config.redis is None
    assert [(one.code, one.level) for one in loaded.diagnostics if "redis" in one.message] == [("W0951", "warning")]


def test_what_is_written_between_reading_and_watching_is_seen(tmp_path: Path) -> None:
    found = Watched(tmp_path)
    found.config_path.write_text("default_to: [soc]\nchannels: {soc: {file: alerts.jsonl}}\n")
    late = Watcher(found.first, config_path=found.config_path)
    assert late.look() and not late.look()
    config = (late.poll() or found.first).config
    assert config is not None and config.default_to == ("soc",)
    gone = Watcher(found.first, config_path=found.config_path)
    found.config_path.unlink()
    assert gone.look() and [one.code for one in (gone.poll() or found.first).diagnostics] == ["E0952"]


def test_a_broken_configuration_changes_nothing_and_is_told_until_it_is_mended(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.config_path.write_text("chanels: {}\n")
    assert watched.watcher.look()
    loaded = watched.watcher.poll()
    assert loaded is not None
    assert running(loaded) == {"one": "1"}
    assert [one.code for one in loaded.diagnostics if one.level == "error"] == ["E0953"]
    replace(watched.rules / "a.cep", rule("one", 2))
    assert watched.watcher.look()
    changed = watched.watcher.poll()
    assert changed is not None
    assert running(changed) == {"one": "2"}
    assert [one.code for one in changed.diagnostics if one.level == "error"] == ["E0953"]
    watched.config_path.write_text("")
    assert watched.watcher.look()
    mended = watched.watcher.poll()
    assert mended is not None
    assert not mended.degraded


def test_a_failure_of_ours_is_told_once_and_ends_with_the_next_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> Loaded:
        raise KeyError("field")

    watched = Watched(tmp_path)
    replace(watched.rules / "b.cep", rule("two", 5))
    with monkeypatch.context() as patched:
        patched.setattr("cep.loader.watch.load_disk", failing)
        assert watched.watcher.look()
        assert not watched.watcher.look()
    loaded = watched.watcher.poll()
    assert loaded is not None
    assert running(loaded) == {"one": "1"}
    assert loaded.degraded
    assert [(one.code, Path(one.span.file).name) for one in loaded.diagnostics] == [("E0967", "b.cep")]
    replace(watched.rules / "b.cep", rule("two", 6))
    assert watched.watcher.look()
    mended = watched.watcher.poll()
    assert mended is not None
    assert running(mended) == {"one": "1", "two": "6"}
    assert not mended.degraded


def test_a_table_that_changes_makes_a_new_rule_set(tmp_path: Path) -> None:
    (tmp_path / "cep.yml").write_text("tables: {limits: {file: limits.csv, key: truck}}\n")
    (tmp_path / "limits.csv").write_text("truck,kmh\nL1,80\n")
    watched = Watched(tmp_path)
    with watched.watcher:
        replace(tmp_path / "limits.csv", "truck,kmh\nL1,90\n")
        loaded = watched.until({"one": "1"})
    assert loaded.rulebook.tables["limits"]["L1"]["kmh"] == 90
    assert loaded.rulebook.tables_version != watched.first.rulebook.tables_version


def test_stopping_ends_the_thread_and_may_be_done_twice(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    with watched.watcher:
        assert any(thread.name == "cep-watch" for thread in threading.enumerate())
    assert not any(thread.name == "cep-watch" for thread in threading.enumerate())
    watched.watcher.stop()


def test_a_folder_that_goes_and_comes_back_is_watched_again(watched: Watched) -> None:
    watched.rules.rename(watched.base / "away")
    assert watched.until({"one": "1"}).degraded
    watched.rules.mkdir()
    replace(watched.rules / "a.cep", rule("one", 3))
    watched.until({"one": "3"})
