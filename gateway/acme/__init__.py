"""Certificates by ACME (RFC 8555): when to order them, the order itself, and the files that tell of it.

An order runs in a process of its own, `python -m gateway.acme`, so that neither the library nor a slow
authority weighs on a worker. Workers know of it by files alone: the certificate, which they watch as any
other, and the answers to challenges.
"""

BUSY = 75
"""The status with which that process ends while another one orders: EX_TEMPFAIL of sysexits.h."""
