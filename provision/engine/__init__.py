"""Who runs what when: plays, fan-out, batches, failure policy, events."""
