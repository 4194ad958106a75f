"""FlowForge: durable order fulfilment on Temporal, with an undo for every effect."""
