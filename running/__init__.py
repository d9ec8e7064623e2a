"""The pipeline's stages side by side: `make repro JOBS=2`, or `python -m running 2`."""
