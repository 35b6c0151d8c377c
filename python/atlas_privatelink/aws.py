"""AWS: `connect` and `disconnect` with a VPC, by boto3.

>>> from atlas_privatelink import aws
>>> connection = aws.connect(GROUP_ID, cluster_name="Cluster0", vpc_id="vpc-0123456789abcdef0")
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. boto3 comes with `pip install 'atlas-privatelink[aws]'`; with
`vpc_endpoint=` it is not needed.
"""

from __future__ import annotations

from ._async.aws import aconnect, adisconnect
from ._sync.aws import connect, disconnect
from .clouds.aws import AwsCloud
from .clouds.aws_policy import iam_policy
from .clouds.own import OwnEndpoint

__all__ = ["AwsCloud", "OwnEndpoint", "aconnect", "adisconnect", "connect", "disconnect", "iam_policy"]
