"""The ports: DynamoDB transactions, S3 objects, executions, the clock and ids. Nothing here knows a domain word."""
