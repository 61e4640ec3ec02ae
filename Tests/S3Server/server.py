"""A server that speaks S3 (moto) on the loopback interface, which checks the signature of each request.

Prints its port, and the id and the secret of an access key, each on a line; ends when its standard input does.
"""

import json
import logging
import sys
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://127.0.0.1:{port}"
known = {"endpoint_url": url, "region_name": "eu-central-1", "aws_access_key_id": "first", "aws_secret_access_key": "first"}

iam = boto3.client("iam", **known)
iam.create_user(UserName="countersign")
allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="countersign", PolicyName="s3", PolicyDocument=json.dumps(allowed))
key = iam.create_access_key(UserName="countersign")["AccessKey"]
boto3.client("s3", **known).create_bucket(
    Bucket="contracts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
)
# From now on every request has to be signed with a key that there is.
text = {"Content-Type": "text/plain"}
urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/reset-auth", b"0", text, method="POST")).read()

print(port, key["AccessKeyId"], key["SecretAccessKey"], sep="\n", flush=True)
sys.stdin.read()
server.stop()
