// A gRPC client of Node; as client.py.

import { createRequire } from "node:module";
import readline from "node:readline";

const require = createRequire(process.env.GRPC_NODE + "/");
const grpc = require("@grpc/grpc-js");
const xds = require("@grpc/grpc-js-xds");
xds.register();

const [target, mode] = process.argv.slice(2);
const options = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 500 };
const plain = grpc.credentials.createInsecure();
const credentials = mode === "tls" ? new xds.XdsChannelCredentials(plain) : plain;
const client = new grpc.Client(target, credentials, options);

const call = (seconds) =>
  new Promise((done) => {
    const same = (bytes) => bytes;
    const deadline = Date.now() + Number(seconds) * 1000;
    client.makeUnaryRequest("/echo.Echo/Say", same, same, Buffer.alloc(0), { deadline }, (error, answer) => {
      const code = error && Object.keys(grpc.status).find((name) => grpc.status[name] === error.code);
      done(error ? `error ${code} ${error.details.replaceAll("\n", " ")}` : `ok ${answer.toString()}`);
    });
  });

for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(await call(line));
}
client.close();
