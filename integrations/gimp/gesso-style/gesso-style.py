#!/usr/bin/env python3
"""A plug-in for GIMP 3: the picture in a style, as a new layer, by the command `gesso`."""

import os
import shutil
import subprocess
import sys
import tempfile

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject  # noqa: E402

NAME = "gesso-style"
PRESETS, USUAL = {"draft": "Draft", "balanced": "Balanced", "best": "Best"}, "balanced"


class GessoStyle(Gimp.PlugIn):
    def do_query_procedures(self):
        return [NAME]

    def do_set_i18n(self, name):
        return False

    def do_create_procedure(self, name):
        made = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        made.set_image_types("*")
        made.set_menu_label("Paint in a _style…")
        made.add_menu_path("<Image>/Filters/Artistic")
        text = "Paints the picture in the style of a painting, as a new layer, by gesso."
        made.set_documentation(text, None, name)
        made.set_attribution("The gesso authors", "The gesso authors", "2026")
        flags = GObject.ParamFlags.READWRITE
        opening = Gimp.FileChooserAction.OPEN
        made.add_file_argument(
            "style", "_Style", "A painting or a card", opening, False, None, flags
        )
        choice = Gimp.Choice.new()
        for number, (preset, label) in enumerate(PRESETS.items()):
            choice.add(preset, number, label, "")
        made.add_choice_argument("preset", "_Time", "Time for quality", choice, USUAL, flags)
        made.add_double_argument("strength", "S_trength", "0: the photo", 0, 1, 1, flags)
        return made

    def run(self, procedure, run_mode, image, drawables, config, data):
        status = Gimp.PDBStatusType
        if run_mode == Gimp.RunMode.INTERACTIVE:
            GimpUi.init(NAME)
            dialog = GimpUi.ProcedureDialog.new(procedure, config, "Paint in a style")
            dialog.fill(None)
            wanted = dialog.run()
            dialog.destroy()
            if not wanted:
                return procedure.new_return_values(status.CANCEL, None)
        try:
            self.paint(image, config)
        except (OSError, ValueError) as error:
            trouble = GLib.Error(str(error))
            return procedure.new_return_values(status.EXECUTION_ERROR, trouble)
        Gimp.displays_flush()
        return procedure.new_return_values(status.SUCCESS, None)

    def paint(self, image, config):
        style = config.get_property("style").get_path()
        quiet = Gimp.RunMode.NONINTERACTIVE
        with tempfile.TemporaryDirectory() as folder:
            photo, out = (os.path.join(folder, name) for name in ("photo.png", "out.png"))
            seen = image.duplicate()
            try:
                seen.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
                Gimp.file_save(quiet, seen, Gio.File.new_for_path(photo), None)
            finally:
                seen.delete()
            Gimp.progress_init("gesso paints…")
            stylize(
                photo, style, out, config.get_property("preset"), config.get_property("strength")
            )
            layer = Gimp.file_load_layer(quiet, image, Gio.File.new_for_path(out))
        layer.set_name(f"in the style of {os.path.basename(style)}")
        image.undo_group_start()
        image.insert_layer(layer, None, 0)
        image.undo_group_end()


def stylize(photo, style, out, preset, strength):
    """Runs the command. Raises ValueError with its one line where it fails."""
    gesso = os.environ.get("GESSO_COMMAND") or shutil.which("gesso")
    if not gesso:
        raise ValueError("the command gesso was not found; set GESSO_COMMAND to where it is")
    command = [gesso, "stylize", photo, "--style", style, "-o", out]
    command += [] if preset == USUAL else ["--preset", preset]  # which not all cards take
    command += ["--strength", str(strength), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"gesso ended with {done.returncode}")


if __name__ == "__main__":
    Gimp.main(GessoStyle.__gtype__, sys.argv)
