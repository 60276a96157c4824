"""Freeze against use: nothing that is frozen is trained on.

- `protocol`: freeze, training use and the rest as programs of steps, with the rules that twins do without
- `invariants`: what must hold at every step, and what is asked beyond
- `scenarios`: who does what at once; the twins; the attacks
"""
