"""Puts resources/ into a standard wheel as porelab_gui/_resources; editable installs read the folder itself."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ResourcesHook(BuildHookInterface):
    """Maps the data folder into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version == "standard":
            build_data.setdefault("force_include", {})["resources"] = "porelab_gui/_resources"
