"""Parcels: booked with a carrier, followed on their way, and called back while they have not left."""
