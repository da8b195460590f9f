"""All that writes what a run found out, and what stands before and after it: saved plans, verifiers, other runs."""
