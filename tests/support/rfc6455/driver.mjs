// Plays one case of the suite against a server, and judges what came of it.
//
// A case is {name, send, texts, pongs, close, bare}:
//   send   frames, as bytes. A number among them is a pause until so many answers have come.
//   texts  what the server says, in order; each object's fields are to be among the answer's.
//   pongs  the payloads of its pongs, in order.
//   close  the code it closes with, or a list of those that will do. Without, the connection goes
//          on: a ping is answered, and the client closes.
//   bare   the driver sends no `connect` first.

import { raw as rawHttp, split } from '../http.mjs';
import { RawWebSocket, closing, opcode, ping, text } from '../raw_web_socket.mjs';
import { kGoodFields } from './handshake_cases.mjs';

const kProof = 'and it goes on';
const kNormal = 1000;
const kNobodys = 1016; // a close code that is never sent
let clients = 0;

async function connect(raw) {
  const client = `rfc6455/${(clients += 1)}`;
  const payload = JSON.stringify({ type: 'connect', client });
  await raw.write(text(payload));
  await raw.waitFor(() => raw.frames.texts.length === 1 || raw.closing, 'welcome');
  const [welcome] = raw.frames.texts.splice(0);
  if (JSON.parse(welcome ?? '{}').type !== 'welcome') throw new Error(`not welcome: ${welcome}`);
}

const latin1 = (bytes) => Buffer.from(bytes).toString('latin1');
const answersOf = ({ frames }) => frames.texts.length + frames.pongs.length;

// All frames up to a pause go together. Tells whether all was sent before the server closed.
async function send(raw, steps, { singly }) {
  for (let at = 0; at < steps.length;) {
    const frames = [];
    while (Buffer.isBuffer(steps[at])) frames.push(steps[at++]);
    const sent = await raw.write(Buffer.concat(frames), { singly });
    if (!sent) return false;
    if (at < steps.length) {
      const answers = steps[at++];
      await raw.waitFor(() => answersOf(raw) >= answers || raw.closing, `${answers} answers`);
    }
  }
  return true;
}

// Has the connection end: by the server where the case expects it, else by this side. Who was
// interrupted in the midst of a frame can send no close frame.
async function finish(raw, example, { interrupted }) {
  const { frames } = raw;
  let weClosed = example.send.some((each) => (each[0] & 0x0f) === opcode.close);
  if (example.close === undefined) {
    const answers = (example.texts ?? []).length + (example.pongs ?? []).length + 1;
    await raw.write(ping(kProof));
    await raw.waitFor(() => answersOf(raw) >= answers || raw.closing, `${answers} answers`);
    await raw.write(closing(kNormal));
    weClosed = true;
  }
  await raw.waitFor(() => frames.close !== null, 'a close frame');
  if (interrupted) raw.socket.end();
  else if (!weClosed && !raw.over) raw.socket.write(closing(frames.close.code ?? kNormal));
  await raw.waitFor(() => raw.over, 'the end of the TCP connection');
}

// What came: {texts, pongs, close, problems}.
export async function observe(address, example, { singly = false, timeoutMs } = {}) {
  const problems = [];
  let raw;
  try {
    raw = await RawWebSocket.open(address, { timeoutMs });
    if (!example.bare) await connect(raw);
    const sent = await send(raw, example.send, { singly });
    await finish(raw, example, { interrupted: !sent });
  } catch (error) {
    problems.push(error.message);
  } finally {
    raw?.discard();
  }
  if (!raw) return { texts: [], pongs: [], problems };
  const { texts, pongs, close, rest } = raw.frames;
  problems.push(...raw.frames.problems);
  if (raw.error) problems.push(`the connection broke: ${raw.error.code}`);
  if (rest.length > 0) problems.push(`${rest.length} bytes that are no whole frame`);
  return { texts, pongs: pongs.map(latin1), close, problems };
}

function fits(wanted, said) {
  let found;
  try {
    found = JSON.parse(said);
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([name, value]) =>
    name === 'quotes' ? found.message?.endsWith(`got ${value}`) : found[name] === value,
  );
}

const shown = (value) => {
  const said = JSON.stringify(value) ?? 'none';
  return said.length > 300 ? `${said.slice(0, 300)}… (${said.length})` : said;
};

// In what way it is not what the case expects, in words; nothing when it is.
export function judge({ texts = [], pongs = [], close }, observed) {
  const found = [...observed.problems];
  const goesOn = close === undefined;
  const wantedPongs = [...pongs, ...(goesOn ? [kProof] : [])].map(latin1);
  const wantedCodes = goesOn ? [kNormal] : [close].flat();
  const same = observed.texts.length === texts.length;
  if (!same || !texts.every((wanted, at) => fits(wanted, observed.texts[at])))
    found.push(`said ${shown(observed.texts)}, expected ${shown(texts)}`);
  if (JSON.stringify(observed.pongs) !== JSON.stringify(wantedPongs))
    found.push(`ponged ${shown(observed.pongs)}, expected ${shown(wantedPongs)}`);
  if (observed.close && !wantedCodes.includes(observed.close.code))
    found.push(`closed ${shown(observed.close)}, expected ${wantedCodes.join(' or ')}`);
  return found;
}

// What the case expects, changed so that nothing may do for both.
export function opposites({ texts = [], pongs = [], close, ...rest }) {
  const was = { texts, pongs, close, ...rest };
  const made = [{ ...was, close: close === undefined ? kNormal + 2 : kNobodys }];
  if (close !== undefined) made.push({ ...was, close: undefined });
  made.push({ ...was, texts: [...texts, { type: 'welcome' }] });
  made.push({ ...was, pongs: [...pongs, 'another'] });
  for (const at of texts.keys())
    made.push({ ...was, texts: texts.map((each, i) => (i === at ? { ...each, id: -1 } : each)) });
  for (const at of pongs.keys())
    made.push({ ...was, pongs: pongs.map((each, i) => (i === at ? `${each}.` : each)) });
  return made;
}

// What is answered to a case of the opening handshake (handshake_cases.mjs): {status, fields}.
export async function shake(address, { method = 'GET', version = '1.1', change }) {
  const lines = change(kGoodFields).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `${method} /v1/ws HTTP/${version}\r\n${lines.join('')}\r\n`;
  const answer = await rawHttp(...split(address), request, {
    until: (got) => got.includes('\r\n\r\n'),
  });
  const [statusLine, ...heads] = answer.split('\r\n\r\n')[0].split('\r\n');
  const fields = heads.map((line) => line.split(/: */, 2));
  return {
    status: Number(statusLine.split(' ')[1]),
    fields: Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
  };
}

export function judgeShake({ status, fields }, answer) {
  const found = [];
  if (answer.status !== status) found.push(`HTTP ${answer.status}, expected ${status}`);
  for (const [name, value] of Object.entries(fields))
    if (answer.fields[name] !== value)
      found.push(`${name}: ${answer.fields[name]}, expected ${value}`);
  return found;
}
