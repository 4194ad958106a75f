"""The fulfilment of orders: the saga, the workflow that walks it, and what readers see."""
