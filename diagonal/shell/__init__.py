"""What every stage stands on: parameters and files in and out, errors, the exit status.

All stages import all of it, so dvc.yaml declares the folder as one dependency. Nothing is imported
here.
"""
