"""Who answers for a verdict: waivers, signatures, and the bundle that an auditor checks later."""
