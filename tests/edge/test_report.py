"""What workers hear of the edge's Envoy from the process that watches it."""

import os

from gateway.edge.report import EdgeReport


def test_workers_see_what_the_process_that_watches_the_edge_writes() -> None:
    report = EdgeReport()
    assert (report.up, report.restarts) == (False, 0)
    reader, writer = os.pipe()
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        os.read(told, 1)
        os.write(writer, b"%d %d" % (report.up, report.restarts))
        os._exit(0)
    report.restarted()
    report.is_up()
    report.is_down()
    report.restarted()
    report.is_up()
    os.write(tell, b".")
    assert os.read(reader, 100) == b"1 2"
    os.waitpid(child, 0)
    report.is_down()
    assert (report.up, report.restarts) == (False, 2)
    for one in (reader, writer, told, tell):
        os.close(one)
