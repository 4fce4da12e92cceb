"""A gRPC client. Arguments: the target, and `tls` for the credentials that its xDS configuration names.

Each line on standard input asks for one call; the answer is a line `ok TAG` or `error CODE DETAILS`.
"""

import sys

import grpc
import grpc.experimental

TARGET, TLS = sys.argv[1], "tls" in sys.argv[2:]


def channel():
    # several calls in a row see each change of the world, not the back-off after an earlier one
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500)]
    if TLS:
        fallback = grpc.experimental.insecure_channel_credentials()
        return grpc.secure_channel(TARGET, grpc.xds_channel_credentials(fallback), options)
    return grpc.insecure_channel(TARGET, options)


def main():
    call = channel().unary_unary("/echo.Echo/Say")
    for line in sys.stdin:
        try:
            print("ok", call(b"", timeout=float(line)).decode(), flush=True)
        except grpc.RpcError as error:
            print("error", error.code().name, error.details().replace("\n", " "), flush=True)


main()
