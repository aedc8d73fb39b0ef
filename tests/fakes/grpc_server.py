"""A real gRPC server with the standard health service: `python grpc_server.py PORT [none | CERTIFICATE KEY]`.

A program of its own, because grpcio keeps threads and can't be forked beside a test.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


def main(port: str, *certificate: str) -> None:
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    servicer = health.HealthServicer()
    states = health_pb2.HealthCheckResponse
    servicer.set("sick.v1.Service", states.NOT_SERVING)
    servicer.set("odd.v1.Service", states.UNKNOWN)
    servicer.set("fine.v1.Service", states.SERVING)
    if certificate[:1] != ("none",):
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if len(certificate) == 2:
        chain, key = (Path(path).read_bytes() for path in certificate)
        server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, chain)]))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
