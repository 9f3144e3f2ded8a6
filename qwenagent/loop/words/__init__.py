"""What the words of a step ask for: orders, names, files that go or come. Reads text alone."""
