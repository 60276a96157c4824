"""Packhouse: reviewed labels go in; checked, frozen, reproducible training data comes out.

`pipeline` is the pure flow; `access`, `catalog`, `labels`, `builds` and `jobs` are the bounded contexts; `api` is the
HTTP edge, `task` the state-machine edge, `aws` the ports to DynamoDB, S3 and Step Functions.
"""
