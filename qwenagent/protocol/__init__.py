"""Values that travel between rooms: frozen, without behaviour, with one wire form."""
