"""Asking a FlowForge that runs elsewhere, over HTTP: what the client and the operator's commands stand on."""
