"""Reads that are new enough.

The home of the tokens that name a point in the write history, of the router that sends a read to a
replica which has reached that point or else to the primary, and of the middleware that carries the
tokens between requests. It has no models. With one database every read is current, and nothing here
is needed.
"""
