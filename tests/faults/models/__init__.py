"""Models of protocols, explored in every schedule; no code of the product is in them.

    items       what is stored, and the atomic steps that read and change it
    schedules   every order of the steps, one fault anywhere, counted by dynamic programming over the states
    results     what a model is made of, and what comes of exploring it
    freeze      freeze against use
    publish     publish against writers

`python -m tests.faults.models` prints what comes of all of it.
"""
