"""Your own cloud's side of a private endpoint.

`AwsCloud`, `AzureCloud` and `GcpCloud` are in `aws`, `azure` and `gcp`; `own` has an endpoint that is created
elsewhere. Any object with the methods of `base.Cloud` does in their place. `ownership` has the mark that says whose an
endpoint is.
"""
