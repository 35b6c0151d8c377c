"""Azure: `connect` and `disconnect` with a virtual network, by Azure's own SDK.

>>> from atlas_privatelink import azure
>>> subnet_id = "/subscriptions/…/providers/Microsoft.Network/virtualNetworks/orders/subnets/default"
>>> connection = azure.connect(GROUP_ID, cluster_name="Cluster0", subnet_id=subnet_id)
>>> connection.srv
'mongodb+srv://cluster0-pl-0.abcde.mongodb.net'

`aconnect` and `adisconnect` are the same for asyncio. The SDK comes with `pip install 'atlas-privatelink[azure]'`.
"""

from __future__ import annotations

from ._async.azure import aconnect, adisconnect
from ._sync.azure import connect, disconnect
from .clouds.azure import AzureCloud

__all__ = ["AzureCloud", "aconnect", "adisconnect", "connect", "disconnect"]
