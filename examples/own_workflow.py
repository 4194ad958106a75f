"""A saga in a workflow of your own, with nothing of FlowForge but `flowforge.durable`.

A trip is booked: flight, then hotel and car side by side. When one of them refuses, what was booked is cancelled, the
last one first; the workflow then fails with that refusal. Run it against a Temporal server, for example one started by
`python main.py temporal`:

    python -m examples.own_workflow                # a trip that works out
    python -m examples.own_workflow --no-cars      # a trip that is made whole
"""

import asyncio
import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from flowforge.durable.saga import Saga


@dataclass(frozen=True)
class Trip:
    """Who travels where."""

    traveller: str
    city: str
    cars_left: int = 1


@dataclass(frozen=True)
class Cancellation:
    """What to cancel: a booking's number, or, when the booking died before it answered, whatever the trip has."""

    trip: Trip
    booking: str | None


class Agency:
    """Books and cancels. A real one would talk to three companies; this one keeps a list, for you to see."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @activity.defn
    async def book_flight(self, trip: Trip) -> str:
        """Book a flight and return the booking's number."""
        return self._note(f"flight to {trip.city}")

    @activity.defn
    async def cancel_flight(self, cancellation: Cancellation) -> None:
        """Cancel the flight, if there is one."""
        self._note(f"cancelled {cancellation.booking}")

    @activity.defn
    async def book_hotel(self, trip: Trip) -> str:
        """Book a room and return the booking's number."""
        return self._note(f"room in {trip.city}")

    @activity.defn
    async def cancel_hotel(self, cancellation: Cancellation) -> None:
        """Cancel the room, if there is one."""
        self._note(f"cancelled {cancellation.booking}")

    @activity.defn
    async def book_car(self, trip: Trip) -> str:
        """Book a car, or refuse: a non-retryable error is an answer, every other error is tried again."""
        if trip.cars_left < 1:
            raise ApplicationError(
                f"no cars left in {trip.city}",
                type="no_cars",
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,  # an answer, not a fault: nothing for the log
            )
        return self._note(f"car in {trip.city}")

    @activity.defn
    async def cancel_car(self, cancellation: Cancellation) -> None:
        """Cancel the car, if there is one."""
        self._note(f"cancelled {cancellation.booking or 'nothing: no car was booked'}")

    def _note(self, line: str) -> str:
        self.log.append(line)
        return line


@workflow.defn
class BookTrip:
    """Books a trip as a whole or not at all."""

    @workflow.run
    async def run(self, trip: Trip) -> list[str]:
        """Return the bookings; fails with the refusal when one of them was refused."""

        def cancelling(booking: str | None) -> Cancellation:
            return Cancellation(trip, booking)

        async with Saga(deadline=timedelta(minutes=10)) as saga:
            flight = await saga.step(Agency.book_flight, trip, undo=Agency.cancel_flight, undo_with=cancelling)
            hotel, car = await asyncio.gather(
                saga.step(Agency.book_hotel, trip, undo=Agency.cancel_hotel, undo_with=cancelling),
                saga.step(Agency.book_car, trip, undo=Agency.cancel_car, undo_with=cancelling),
            )
        return [flight, hotel, car]


async def book(client: Client, trip: Trip) -> tuple[list[str] | str, list[str]]:
    """Run a worker and one trip on it; return what came of the trip, and what the agency did."""
    agency = Agency()
    task_queue = f"trips-{uuid.uuid4()}"
    actions: list[Callable[..., Any]] = [
        agency.book_flight,
        agency.cancel_flight,
        agency.book_hotel,
        agency.cancel_hotel,
        agency.book_car,
        agency.cancel_car,
    ]
    async with Worker(client, task_queue=task_queue, workflows=[BookTrip], activities=actions):
        try:
            outcome: list[str] | str = await client.execute_workflow(
                BookTrip.run, trip, id=f"trip-{uuid.uuid4()}", task_queue=task_queue
            )
        except WorkflowFailureError as error:
            refusal = error.cause.__cause__ or error.cause
            outcome = f"failed: {refusal}"
    return outcome, agency.log


async def main() -> None:
    """Book one trip and say what happened."""
    client = await Client.connect(os.environ.get("TEMPORAL_HOST", "localhost:7233"))
    outcome, log = await book(client, Trip("Ada", "Lisbon", cars_left=0 if "--no-cars" in sys.argv else 1))
    print(*log, outcome, sep="\n")
    sys.stdout.flush()
    os._exit(0)  # a process that ran a Temporal worker can crash while the interpreter shuts down


if __name__ == "__main__":
    asyncio.run(main())
