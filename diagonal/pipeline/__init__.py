"""What every stage needs: params.yaml, files, data, and the names of the models."""
