"""FILES → FILES: from the files of photos and styles to those of pictures."""
