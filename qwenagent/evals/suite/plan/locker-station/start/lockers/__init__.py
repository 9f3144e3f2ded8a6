"""A parcel locker station."""
