"""Options that several commands have."""

from typing import Annotated

import typer

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all of this machine's.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")]
TemporalPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of Temporal, where none was named; 0 starts one at a free port.")
]
UiPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of Temporal's UI, where Temporal is started; 0 takes a free one.")
]
