"""What flask-altdentifier costs, beside what users would pick instead: `python -m benchmarks`."""
