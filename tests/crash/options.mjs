// The command line of the crash tests.

import { parseArgs } from 'node:util';

export const kLoadHelp = `\
  --seed S           of the moments, the messages and the acknowledgements (default: from the time)
  --writers N        half of them over HTTP, half over gRPC (default 4)
  --rate N           most writes a second of one writer (default 100)
  --bulk-rate N      most writes a second into channels that nobody subscribes to (default 2000)
  --clients N        acknowledging WebSocket clients (default 50)
  --history FILE     keep the history there (default: a temporary file, kept when anything is wrong)
`;
const kLoad = {
  seed: String(Date.now() % 1_000_000),
  writers: '4',
  rate: '100',
  'bulk-rate': '2000',
  clients: '50',
};

// A whole number above 0.
export function wholeNumber(name, text) {
  if (!/^[1-9]\d*$/.test(text))
    throw new Error(`--${name} ${text}: expected a whole number above 0`);
  return Number(text);
}

// `MIN-MAX` as two numbers.
export function span(name, text) {
  const found = /^(\d+)-(\d+)$/.exec(text);
  if (!found || Number(found[1]) > Number(found[2]))
    throw new Error(`--${name} ${text}: expected MIN-MAX, like 50-1500`);
  return [Number(found[1]), Number(found[2])];
}

// Reads the load's options and those in `more` (name to default). The load's come as numbers, the
// others as they are; null when help was asked for.
export function loadOptions(more) {
  const options = { help: { type: 'boolean', default: false }, history: { type: 'string' } };
  for (const [name, value] of Object.entries({ ...kLoad, ...more })) {
    options[name] = { type: typeof value, default: value };
  }
  const { values } = parseArgs({ options });
  if (values.help) return null;
  for (const name of Object.keys(kLoad)) values[name] = wholeNumber(name, values[name]);
  return { ...values, bulkRate: values['bulk-rate'] };
}

// Runs `main`, which promises the exit status, and ends the process with it.
export function runMain(name, main) {
  // A test that is pid 1 of its namespace would not notice these otherwise.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  main().then(
    (status) => process.exit(status),
    (error) => {
      console.error(`${name}: ${error.message}`);
      process.exit(2);
    },
  );
}
