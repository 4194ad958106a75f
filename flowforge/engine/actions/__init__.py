"""What steps can do: the contract of an action, the actions that come with FlowForge, and how others are added."""
