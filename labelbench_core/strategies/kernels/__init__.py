"""The parts that several strategies share: public, for authors of strategies too.

Import them from their own modules (`from labelbench_core.strategies.kernels.scores import lowest`):
what a strategy imports is the code that its rounds depend on, and an edit of one part then reruns
only the strategies that use it. So this package re-exports nothing.

- `scores`: `score_rows`, a score of each row in one pass; `lowest`, `highest_at_random`
- `power`: `draw_by_power`, rows drawn in proportion to a power of their score
- `fill`: `fill_at_random`, the rest of a batch where candidates run out
- `purchase`: `Purchase`, the labels that a sequential strategy has and buys
- `lines`: `Lines`, one line of rows per class, sorted by how much they are of it
- `threshold`: `shrink`, `best_cut`, cuts of a line between a class and the others
- `gradients`: `Gradients`, last-layer gradients as pairs of factors
- `last_layer`: `LastLayer`, the Fisher information of the last layer
- `design`: `inverse`, `contenders`, of greedy optimal design
- `swap`: `swapped`, a batch improved by one pass of swaps
- `sphere`: `unit_points`, `cosines`, rows scaled to unit length
- `kmeans`: `cluster`, k-means on the unit sphere
- `seeding`: `draw_centers`, the seeding of k-means++
- `k_center`: `FarthestFirst`, farthest-first traversal
- `sketch`: `Sketch`, guesses of the nearest centre
- `herding`: `greedy_coverage`, greedy maximisation of a kernel coverage
- `balls`: `NearPairs`, which rows lie within a radius of which others
- `relevance`: `separation_margins`, `cardinality_gaps`, of multi-label predictions
- `category_vectors`: `inconsistencies`, how unlike labelled rows' labels a row's are
- `sub_pool`: `sub_pool`, a part of the pool as a pool, to run another strategy on
"""
