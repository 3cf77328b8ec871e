"""What the stock lines assert, a module per topic. A project's own checks can do whatever these do."""
