"""Models, batches and the loop that trains: what every stage that trains imports.

All of them import all of it, so dvc.yaml declares the folder as one dependency. Nothing is
imported here.
"""
