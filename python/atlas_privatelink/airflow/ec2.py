"""The AWS side of a task's credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["DEFAULT_AWS_CONN_ID", "ec2_client"]

DEFAULT_AWS_CONN_ID = "aws_default"


def ec2_client(aws_conn_id: str | None, region: str | None) -> Any:
    """A boto3 client of EC2 for a connection; `None` where boto3 is to find credentials by itself.

    It does so where `aws_conn_id` is `None`, or is the default and the Amazon provider is not installed.

    Raises:
        ConfigurationError: The connection needs the Amazon provider, which is not installed.
        CloudError: boto3 cannot make a client of it.
    """
    if aws_conn_id is None:
        return None
    from ..errors import CloudError, ConfigurationError

    try:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    except ImportError as error:
        if aws_conn_id == DEFAULT_AWS_CONN_ID:
            return None
        rule = f"aws_conn_id={aws_conn_id!r} needs apache-airflow-providers-amazon, which cannot be imported: {error}"
        raise ConfigurationError(rule) from error
    from botocore.exceptions import BotoCoreError

    try:
        return AwsBaseHook(aws_conn_id=aws_conn_id, client_type="ec2", region_name=region).get_conn()
    except (BotoCoreError, ValueError) as error:
        text = f"AWS: no client for the connection {aws_conn_id}: {error}"
        raise CloudError(text, operation="client", code=type(error).__name__) from error
