import json

from porelab_gui.gui import settings


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    mine = settings.Settings(theme="light")
    mine.remember(tmp_path / "a.tif")
    settings.save(mine, path)
    assert settings.load(path) == mine
    assert json.loads(path.read_text())["version"] == settings.VERSION


def test_odd_values_and_unknown_names_leave_the_rest_alone(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"version": 99, "recent": 7, "theme": "light", "from_the_future": [1]}))
    loaded = settings.load(path)
    assert loaded.theme == "light"
    assert loaded.recent == []


def test_a_broken_file_gives_the_defaults(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("{not json")
    assert settings.load(path) == settings.Settings()
    assert settings.load(tmp_path / "absent.json") == settings.Settings()


def test_recent_files_are_few_and_unique(tmp_path):
    mine = settings.Settings()
    for name in [*"abcdefghij", "c"]:
        mine.remember(tmp_path / name)
    assert len(mine.recent) == settings.RECENT
    assert mine.recent[0].endswith("c") and len(set(mine.recent)) == settings.RECENT


def test_a_folder_that_cannot_be_written_is_not_fatal(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings.save(settings.Settings(), blocked / "settings.json")
