"""Who puts their name under a verdict, what they sign, and what a deploy script or an auditor may rely on."""
