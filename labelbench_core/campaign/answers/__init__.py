"""Answers of people who label: read, received and kept.

- `answer`: `Answer`, `Outcome`: what one annotator says of one item.
- `formats`: `write_exports(folder, batch)` hands a batch out, `read_answers(path, expected)` reads
  a file of any format; `formats.handed`: `Batch`, `Expected`, `batch_of(proposal)`.
- `ledger`: `receive(folder, paths, expected)` keeps files and what they say, append-only;
  `receipts(folder)`, `answers_of(folder)`.
- `classes`: `ClassHistory(start, changes)`: what an earlier answer means today.
"""
