"""Links from a task to the consoles of Atlas and AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._versions import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

__all__ = ["AtlasLink", "AwsConsoleLink"]


class _StoredLink(BaseOperatorLink):
    """A link that the task stores as soon as it knows what to link to."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The link; empty where the task did not come that far."""
        # Airflow 3 asks in the task's own process when it ends, and Airflow 2 in the webserver
        links: dict[str, str] | None = getattr(operator, "links", None)
        if links is not None:
            return links.get(self.xcom_key, "")
        stored = XCom.get_value(ti_key=ti_key, key=self.xcom_key)
        return stored if isinstance(stored, str) else ""


class AtlasLink(_StoredLink):
    """The project's private endpoints in Atlas."""

    name = "MongoDB Atlas"
    xcom_key = "_link_AtlasLink"

    @staticmethod
    def to(base_url: str, group_id: str) -> str:
        """The page of a project."""
        return f"{base_url.rstrip('/')}/v2/{group_id}#/security/network/privateEndpoint"


class AwsConsoleLink(_StoredLink):
    """The VPC endpoint in the AWS console."""

    name = "AWS console"
    xcom_key = "_link_AwsConsoleLink"

    @staticmethod
    def to(region: str, vpc_endpoint_id: str) -> str:
        """The page of a VPC endpoint."""
        if region.startswith("us-gov-"):
            host = "console.amazonaws-us-gov.com"
        elif region.startswith("cn-"):
            host = f"{region}.console.amazonaws.cn"
        else:
            host = f"{region}.console.aws.amazon.com"
        return f"https://{host}/vpcconsole/home?region={region}#EndpointDetails:vpcEndpointId={vpc_endpoint_id}"
