"""The boats of a boat hire."""


class BoatError(Exception):
    """A boat cannot be handed out, taken back or found."""


class BoatFleet:
    """Small and large boats, handed out by number."""

    def __init__(self, small: int, large: int) -> None:
        raise NotImplementedError
