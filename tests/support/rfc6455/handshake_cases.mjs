// RFC 6455, 4.2: the opening handshake. `change` takes the fields of a good request and gives those
// of the case: [name, value] in order.

const kSampleKey = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455, 1.3

export const kGoodFields = [
  ['Host', 'localhost'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', kSampleKey],
];

const set = (name, value) => (fields) =>
  fields.map(([each, was]) => [each, each === name ? value : was]);
const without = (name) => (fields) => fields.filter(([each]) => each !== name);
const and =
  (...more) =>
  (fields) => [...fields, ...more];

const kProtocol = 'Sec-WebSocket-Protocol';
const kJson = 'ackwire.v1.json';
const opened = (name, change, fields = {}) => ({ name, change, status: 101, fields });
const refused = (name, change, status, more = {}) => ({
  name,
  change,
  status,
  fields: {},
  ...more,
});
const kVersion = { fields: { 'sec-websocket-version': '13' } };

export const kHandshakes = [
  opened('the key of the RFC gets the answer of the RFC', (fields) => fields, {
    'sec-websocket-accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
    'sec-websocket-protocol': undefined,
    'sec-websocket-extensions': undefined,
  }),
  opened('"WebSocket" in capitals', set('Upgrade', 'WebSocket')),
  opened('"WEBSOCKET", and another', set('Upgrade', 'h2c, WEBSOCKET')),
  opened('"upgrade" among other words', set('Connection', 'keep-alive, upgrade')),
  opened('names of fields in any case', (fields) =>
    fields.map(([name, value]) => [name.toUpperCase(), value]),
  ),
  opened('the subprotocol is chosen', and([kProtocol, kJson]), { 'sec-websocket-protocol': kJson }),
  opened('the subprotocol among others', and([kProtocol, `soap, ${kJson}, wamp`]), {
    'sec-websocket-protocol': kJson,
  }),
  opened('the subprotocol in a second field', and([kProtocol, 'soap'], [kProtocol, kJson]), {
    'sec-websocket-protocol': kJson,
  }),
  opened(
    'compression is not agreed to',
    and(['Sec-WebSocket-Extensions', 'permessage-deflate; client_max_window_bits']),
    { 'sec-websocket-extensions': undefined },
  ),
  refused('none of our subprotocols', and([kProtocol, 'soap']), 400),
  ...['0', '8', '12', '14', '013', '', 'x'].map((version) =>
    refused(`version "${version}"`, set('Sec-WebSocket-Version', version), 426, kVersion),
  ),
  refused('no version', without('Sec-WebSocket-Version'), 426, kVersion),
  refused('no Upgrade', without('Upgrade'), 426, { fields: { upgrade: 'websocket' } }),
  refused('an Upgrade to something else', set('Upgrade', 'h2c'), 426, {
    fields: { upgrade: 'websocket' },
  }),
  refused('no Connection', without('Connection'), 400),
  refused('a Connection that is to be closed', set('Connection', 'close'), 400),
  refused('no Host', without('Host'), 400),
  refused('no key', without('Sec-WebSocket-Key'), 400),
  refused('an empty key', set('Sec-WebSocket-Key', ''), 400),
  refused('a key of 15 bytes', set('Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAA'), 400),
  refused('a key of 17 bytes', set('Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAAA='), 400),
  refused('a key that is no base64', set('Sec-WebSocket-Key', '!!!!!!!!!!!!!!!!!!!!!!=='), 400),
  refused('two keys', and(['Sec-WebSocket-Key', kSampleKey]), 400),
  ...['POST', 'PUT', 'HEAD'].map((method) =>
    refused(`by ${method}`, (fields) => fields, 405, { method }),
  ),
  refused('by HTTP/1.0', (fields) => fields, 400, { version: '1.0' }),
];
