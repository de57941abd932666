"""The network on the screen: tubes, colours, inspector, health."""
