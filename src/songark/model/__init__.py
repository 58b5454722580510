"""The words everyone uses: ids, roots, records, findings, errors. Imports nothing of ours."""
