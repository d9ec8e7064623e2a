"""What every stage needs: params.yaml, files, errors, the exit status, and how pictures look."""
