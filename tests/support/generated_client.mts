// What an application does with a client that is generated from proto/openapi.yaml: the types come
// from there (`api.d.ts`), and the compiler holds every call to them.

import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

type Message = components['schemas']['Message'];

const kMessages = '/v1/channels/{channel}/messages';
const kMessage = '/v1/channels/{channel}/messages/{seq}';

export async function publishAndRead(baseUrl: string, channel: string) {
  const api = createClient<paths>({ baseUrl });
  const draft = { sender: 'alice', type: 7, payload: { text: 'helo' } };
  const header = { 'Idempotency-Key': 'g-1' };
  const publish = () =>
    api.POST(kMessages, { params: { path: { channel }, header }, body: draft });
  const first = await publish();
  const again = await publish();
  if (!first.data) throw new Error(`${first.error.error.code}: ${first.error.error.message}`);

  const path = { channel, seq: first.data.seq };
  await api.PUT(kMessage, { params: { path }, body: { ...draft, payload: { text: 'hello' } } });
  await api.DELETE(kMessage, { params: { path, query: { sender: 'alice' } } });

  const messages: Message[] = [];
  for (let from: number | null = 1; from !== null; ) {
    const query: { from: number; limit: number } = { from, limit: 2 };
    const { data } = await api.GET(kMessages, { params: { path: { channel }, query } });
    messages.push(...(data?.messages ?? []));
    from = data?.next ?? null;
  }
  const one = await api.GET(kMessage, { params: { path } });
  const receipts = await api.GET(`${kMessage}/receipts`, { params: { path } });
  const none = await api.GET(kMessage, { params: { path: { channel, seq: 99 } } });
  return {
    statuses: [first.response.status, again.response.status],
    duplicate: again.data?.duplicate,
    messages,
    one: one.data,
    owed: receipts.data?.owed,
    code: none.error?.error.code,
  };
}

// The compiler refuses what the file does not have.
export function refused(api: ReturnType<typeof createClient<paths>>, message: Message) {
  // @ts-expect-error There is no such path.
  void api.GET('/v1/channels');
  // @ts-expect-error One message has a seq.
  void api.GET(kMessage, { params: { path: { channel: 'room/1' } } });
  // @ts-expect-error A type is a number.
  void api.POST(kMessages, { params: { path: { channel: 'room/1' } }, body: { type: 'seven' } });
  // @ts-expect-error A message has a payload, and what is in it is not known.
  void message.text;
  // @ts-expect-error There are three kinds.
  return message.kind === 'removed';
}
