"""The API behind a socket of its own, as commands serve it."""

import gc

from flowforge.cli.loaded import keep_loaded
from flowforge.cli.serving import listening_socket, serve
from flowforge.cli.stopping import Stop
from tests.integration.http.conftest import Api


async def test_api_that_is_ready_has_what_was_loaded_out_of_the_collector_s_way(api: Api) -> None:
    gc.unfreeze()
    stop = Stop()
    counted: list[int] = []

    def end() -> None:
        counted.append(gc.get_freeze_count())
        stop.ask()

    try:
        with listening_socket("127.0.0.1", 0) as listener:
            await serve(api.app, listener, stop, end)
    finally:
        keep_loaded()  # as the other tests of this process have it
    assert counted[0] > 10_000
