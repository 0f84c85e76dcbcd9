"""Flink CEP as a judge of `pick all`: its cases said in our words.

words       a case as rule text       conditions   its conditions, ours
asked       the rule run over the case's events, and what Flink answered
cases       small cases of our own, by seed
"""
