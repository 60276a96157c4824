"""Publish against writers: a published set is what was written to it, all of it and nothing else.

- `sets`: what is stored
- `rules`: what the protocol does, and twins do not
- `process`: what a process reads, puts and commits, whatever it serves
- `protocol`: single writes, bulk, merge, publish, delete, create, copy and the sweeper as programs of steps
- `invariants`: what must hold at every step, and what is asked beyond
- `scenarios`: who does what at once; the twins; the attacks
"""
