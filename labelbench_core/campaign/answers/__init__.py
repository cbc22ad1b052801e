"""Answers of people who label: read, received and kept, and made into one label for each item.

- `answer`: `Answer`, `Outcome`: what one annotator says of one item.
- `formats`: `write_exports(folder, batch)` hands a batch out, `read_answers(path, expected)` reads
  a file of any format; `formats.handed`: `HandedBatch`, `Expected`, `batch_of(proposal)`.
- `ledger`: `receive(folder, paths, expected)` keeps files and what they say, append-only;
  `receipts(folder)`, `answers_of(folder)`.
- `classes`: `ClassHistory(start, changes)`: what an earlier answer means today.
- `joining`: `by_majority(votes)`, `by_dawid_skene(votes)`: how several people's votes become one.
- `labels`: `labels_of(answers, history)`: one label for each item, with all that is contradicted,
  changed or to be asked again.
- `agreement`: `agreement_of(items, classes)`, `seconds_of(answers)`.
"""
