"""The pure flow, one module a verb. Nothing here reads a clock, a bucket or a table.

    ingest       an upload's lines → canonical chunks, their statistics and sample keys, faults by line
    plan         sources → which rows stay, which split each group goes to, units of work
    build        a unit of chunks → one shard a split, and the statistics of the rows that stayed
    quality      statistics → indicators with value and threshold, and the verdict
    materialize  a shard → its assets looked up, and the viewer's index beside it
    indexing     a shard's rows → its index; the indexes of all shards → that of the version
    export       shards → the files that people download
    seal         everything → the canonical manifest and its hash
    row_plan     rollout imports → which rollouts are looked at, units of work
    rendering    a unit of rollouts → rows with scores and sketches, or the reason why there is none
    filtering    keys and sketches → which rows stay, and their order
    exporting    rows → the files of a training dataset, in one profile each
    training_seal  everything → the canonical manifest of a training dataset
    lookup       a version's index → pages of samples, one sample and its neighbours, what there is to filter by
    diff         two versions' indexes → the rows that changed from one to the other

Beneath them: `unpacking` (gzip uploads), `rows` (the label row and its canonical form), `statistics` (what is counted),
`splits` (group → split), `moves` (samples in another split than before), `issues` (what a plan has to say),
`fingerprints` (canonical JSON and its SHA-256), `capabilities` (what can be labelled), `policies` (what a version is
held to), `index` (the formats of the viewer's index), `scan` (which of its blocks to read), `runs` (sorted runs and how
they are merged), `contents` (the hashes that rows are compared by between versions), `equality` (what versions have in
common of them); `version_facts` (what is told of a version) with `version_card` and `card_texts` (its README),
`croissant` (the same for machines), `columns` (the types of a row's columns) and `markdown`; `pictures` (their sizes),
`drawn` (which rows are pictures with labels on them), `coco` and `yolo` (their formats), `gzipped` (a gzip member of
parts).

Beneath those of training datasets: `rollouts` (the rollout and its canonical form), `render` (the training row),
`scoring`, `profiles` (what readers take), `card` (the README of a dataset), `sketches` (what rows are compared by),
which are made of `grams` (words and their hashes) and read a stretch at a time (`stretches`, `packed`) to find
`duplicates`, `near` ones and `overlap`.
"""
