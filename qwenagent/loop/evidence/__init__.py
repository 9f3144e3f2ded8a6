"""What tests and examples say: run, compared, traced to the code that they reach."""
