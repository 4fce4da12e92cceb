"""A gRPC server that answers every call with its tag. Arguments: the address, the tag, and how it serves: `plain`; `xds`,
as its xDS configuration says; `xds-tls`, with the credentials that are named there too."""

import sys
import threading
from concurrent import futures

import grpc

ADDRESS, TAG, MODE = sys.argv[1:]


class Everything(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: TAG.encode())


def main():
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Everything()], xds=MODE != "plain")
    if MODE == "xds-tls":
        server.add_secure_port(ADDRESS, grpc.xds_server_credentials(grpc.insecure_server_credentials()))
    else:
        server.add_insecure_port(ADDRESS)
    server.start()
    print("started", flush=True)
    threading.Event().wait()


main()
