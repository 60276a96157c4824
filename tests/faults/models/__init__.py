"""Models of protocols, explored in every schedule; no code of the product is in them.

    items       what is stored, and the atomic steps that read and change it
    protocol    freeze, training use and the rest as programs of such steps, with the rules that twins do without
    schedules   every order of the steps, one fault anywhere, counted by dynamic programming over the states
    invariants  what must hold at every step, and what is asked beyond
    scenarios   who does what at once; the twins; the attacks

`python -m tests.faults.models` prints what comes of all of it.
"""
