// Frames of ackwire.v1.binary, as the objects that ackwire.v1.json has: so a test is the same under
// both. Encoded and decoded by protobufjs, from the contract's own files.

import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const kRoot = fileURLToPath(new URL('../../proto/', import.meta.url));
const kTypeBytes = 2;

const root = new protobuf.Root();
root.resolvePath = (origin, target) =>
  target.startsWith('google/') ? `/usr/include/${target}` : `${kRoot}${target}`;
root.loadSync('ackwire/v1/frames.proto', { keepCase: false });

export const kTypes = root.lookupEnum('ackwire.v1.FrameType').values;
const kNames = Object.fromEntries(
  Object.entries(kTypes).map(([name, number]) => [number, name.slice('FRAME_TYPE_'.length)]),
);
const messageOf = (name) =>
  root.lookupType(
    `ackwire.v1.${name === 'RECEIPTS' ? 'ReceiptsUpdate' : name[0] + name.slice(1).toLowerCase()}`,
  );

const duration = (ms) => ({ seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 });
const ms = (of) => Number(of?.seconds ?? 0) * 1000 + (of?.nanos ?? 0) / 1e6;
const time = (of) => (of ? new Date(ms(of)).toISOString() : null);

function startOf(from) {
  if (from === undefined || from === 'new') return { fromNew: true };
  return from === 'first' ? { fromFirst: true } : { fromSeq: from };
}

// What the JSON spells otherwise than the protobuf message of that name.
const kSaid = {
  connect: ({ resume, subscriptions = [], ...rest }) => ({
    ...rest,
    ...(resume && { resumeSession: resume.session, resumeDelivery: resume.delivery }),
    subscriptions: subscriptions.map(kSaidSubscribe),
  }),
  subscribe: kSaidSubscribe,
  nack: ({ delayMs, ...rest }) => ({
    ...rest,
    ...(delayMs !== undefined && { delay: duration(delayMs) }),
  }),
};
function kSaidSubscribe({ from, ...rest }) {
  return { ...rest, ...startOf(from) };
}

// A frame of a type and bytes that need not be those of its message.
export function rawFrame(type, body = Buffer.alloc(0)) {
  const head = Buffer.alloc(kTypeBytes);
  head.writeUInt16BE(type);
  return Buffer.concat([head, body]);
}

export function encodeFrame({ type, ...fields }) {
  const name = type.toUpperCase();
  const message = messageOf(name);
  const body = message.encode(message.fromObject((kSaid[type] ?? ((same) => same))(fields)));
  return rawFrame(kTypes[`FRAME_TYPE_${name}`], Buffer.from(body.finish()));
}

function payloadOf({ payload, contentType }) {
  const bytes = Buffer.from(payload, 'base64');
  if (contentType === 'application/json') return { payload: JSON.parse(bytes.toString()) };
  if (contentType.startsWith('text/')) return { payload: bytes.toString() };
  return { payloadBase64: payload };
}

function messageJson({ publishedAt, expiresAt, kind, ...rest }) {
  const { payload, ...fields } = rest;
  return {
    ...fields,
    ...payloadOf(rest),
    kind: kind.slice('KIND_'.length).toLowerCase(),
    publishedAt: time(publishedAt),
    expiresAt: time(expiresAt),
  };
}

const kHeard = {
  welcome: ({ pingInterval, pingTimeout, subscriptions, ...rest }) => ({
    ...rest,
    subscriptions: subscriptions.map(({ id, ...each }) => each),
    pingIntervalMs: ms(pingInterval),
    pingTimeoutMs: ms(pingTimeout),
  }),
  deliveries: ({ items }) => ({
    items: items.map(({ message, ...rest }) => ({ ...rest, message: messageJson(message) })),
  }),
  draining: ({ reconnectAfter, ...rest }) => ({ ...rest, reconnectAfterMs: ms(reconnectAfter) }),
  error: ({ retryAfter, ...rest }) => ({ ...rest, retryAfterMs: ms(retryAfter) }),
};

export function decodeFrame(frame) {
  const name = kNames[frame.readUInt16BE()];
  if (name === undefined) throw new Error(`a frame of type 0x${frame.readUInt16BE().toString(16)}`);
  const message = messageOf(name);
  const fields = message.toObject(message.decode(frame.subarray(kTypeBytes)), {
    longs: Number,
    enums: String,
    bytes: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  const type = name.toLowerCase();
  return { type, ...(kHeard[type] ?? ((same) => same))(fields) };
}
