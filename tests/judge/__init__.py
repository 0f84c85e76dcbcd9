"""The slow judge: what rules mean, said as plainly as possible, one event at a time, with nothing shared with the engine but
the plan. Every matcher has to agree with it.

    values      expressions and registers over lists of events
    windows     filter, window and absence rules
    runs        patterns: `pick first`, `latest`, `longest`
    places      where a run stands in a pattern, and what may come next
    every       `pick all`, where it can be said without a machine
    lines       linear patterns as patterns
"""
