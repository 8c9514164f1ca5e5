// gRPC clients of all services, with promises.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { tokenFor } from './tokens.mjs';

export const status = grpc.status;

const kProtoRoot = fileURLToPath(new URL('../../proto', import.meta.url));
const kOptions = {
  keepCase: false,
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
  includeDirs: [kProtoRoot],
};

const api = grpc.loadPackageDefinition(
  protoLoader.loadSync(
    ['ackwire/v1/message.proto', 'ackwire/v1/messages.proto', 'ackwire/v1/deliveries.proto'],
    kOptions,
  ),
).ackwire.v1;

// For a server of a test's own.
export const adminService = api.AdminService.service;

// The standard service, as far as it is used here: the package grpc.health.v1 comes with no file
// that could be loaded.
const healthApi = grpc.loadPackageDefinition(
  protoLoader.fromJSON(
    {
      nested: {
        grpc: {
          nested: {
            health: {
              nested: {
                v1: {
                  nested: {
                    HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                    HealthCheckResponse: {
                      fields: { status: { type: 'ServingStatus', id: 1 } },
                      nested: {
                        ServingStatus: {
                          values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
                        },
                      },
                    },
                    Health: {
                      methods: {
                        Check: {
                          requestType: 'HealthCheckRequest',
                          responseType: 'HealthCheckResponse',
                        },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
    kOptions,
  ),
).grpc.health.v1;

function promising(Service, address, credentials) {
  const stub = new Service(address, credentials);
  const client = { close: () => stub.close() };
  for (const [name, method] of Object.entries(Service.service)) {
    const call = stub[name].bind(stub);
    const short = name[0].toLowerCase() + name.slice(1);
    if (method.requestStream) {
      client[short] = (headers = {}) => call(metadata(headers, address));
    } else if (method.responseStream) {
      client[short] = (request = {}, headers = {}) => call(request, metadata(headers, address));
    } else {
      client[short] = (request = {}, headers = {}) =>
        new Promise((resolve, reject) => {
          const options = { deadline: Date.now() + 20_000 };
          call(request, metadata(headers, address), options, (error, answer) =>
            error ? reject(error) : resolve(answer),
          );
        });
    }
  }
  return client;
}

// With the token of a server with keys, unless the headers have one.
function metadata(headers, address) {
  const made = new grpc.Metadata();
  const token = tokenFor(address);
  if (token !== undefined) made.set('authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(headers)) made.set(name, value);
  return made;
}

// Methods in camelCase: unary ones take (request, metadata) and promise the answer, streams are
// grpc-js calls. `tls`: an authority, and the client's certificate and key if it has any.
export function grpcClients(address, tls) {
  const clients = {};
  const credentials = tls
    ? grpc.credentials.createSsl(tls.ca, tls.key ?? null, tls.cert ?? null)
    : grpc.credentials.createInsecure();
  const each = (act) =>
    ['messages', 'subscriptions', 'deliveries', 'admin', 'health'].forEach((name) =>
      act(clients[name]),
    );
  const connect = (to) =>
    Object.assign(clients, {
      messages: promising(api.MessageService, to, credentials),
      subscriptions: promising(api.SubscriptionService, to, credentials),
      deliveries: promising(api.DeliveryService, to, credentials),
      admin: promising(api.AdminService, to, credentials),
      health: promising(healthApi.Health, to, credentials),
    });
  clients.close = () => each((client) => client.close());
  // A server that was started again has another address.
  clients.moveTo = (to) => {
    clients.close();
    connect(to);
  };
  return connect(address);
}

// Sends bytes as they are to a method such as /ackwire.v1.MessageService/Publish; promises the
// answer's bytes.
export function rawUnary(address, method, bytes) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const same = (value) => value;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(method, same, same, bytes, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  }).finally(() => client.close());
}

// The words of the error that a call must end with.
export async function refusedWith(call, code) {
  const error = await call.then(
    () => assert.fail('it was answered'),
    (thrown) => thrown,
  );
  assert.equal(error.code, code, error.message);
  return error.details;
}

// All answers of a stream that the server ends.
export async function answers(call) {
  const all = [];
  for await (const answer of call) all.push(answer);
  return all;
}

// All messages of Read without follow.
export async function readAll(messages, request) {
  return (await answers(messages.read(request))).flatMap((answer) => answer.messages);
}

export function toTimestamp(ms) {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1_000_000 };
}

export function toMs(timestamp) {
  return timestamp === null ? null : timestamp.seconds * 1000 + timestamp.nanos / 1e6;
}
