"""How values become Temporal's payloads and back: Pydantic's JSON, with what Pydantic knows of a type kept."""

from functools import cache
from typing import Final

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, DataConverter, EncodingPayloadConverter


class SharedPydanticConverter(CompositePayloadConverter):
    """Temporal's Pydantic converter, all instances of which share what they have learned.

    The SDK makes a converter for every run and every workflow task. Each of Temporal's own would find out anew how to
    read every type it meets, which is half a millisecond for a dataclass.
    """

    def __init__(self) -> None:
        super().__init__(*_encodings())


@cache
def _encodings() -> tuple[EncodingPayloadConverter, ...]:
    return tuple(PydanticPayloadConverter().converters.values())


DATA_CONVERTER: Final = DataConverter(payload_converter_class=SharedPydanticConverter)
"""What every client of ours speaks; on the wire it is the same as Temporal's own `pydantic_data_converter`."""
