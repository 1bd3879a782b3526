"""adapter_kit: what muengsten-adapter-check and muengsten-adapter-new are made of. Standard library only.

    frames    frames, and a process that speaks them over its standard input and output
    gateway   the gateway's end of the protocol: opens instances, hands out deliveries, answers calls
    report    sentences that hold or fail, printed for people or in the Test Anything Protocol
    suite     what is common to all checks: parameters, opening, what must hold at all times
    checks_*  the checks themselves
    skeleton  what muengsten-adapter-new writes
"""
