"""What the reference shows: the table of all rules, and pages made of rules and schemas."""
