"""Google Cloud: `connect` and `disconnect` with a VPC network, by Google's own SDK.

>>> from atlas_privatelink import gcp
>>> connection = gcp.connect(
...     GROUP_ID, cluster_name="Cluster0", project="orders-1234", network="vpc", subnetwork="db"
... )
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. The SDK comes with `pip install 'atlas-privatelink[gcp]'`.
"""

from __future__ import annotations

from ._async.gcp import aconnect, adisconnect
from ._sync.gcp import connect, disconnect
from .clouds.gcp import GcpCloud

__all__ = ["GcpCloud", "aconnect", "adisconnect", "connect", "disconnect"]
