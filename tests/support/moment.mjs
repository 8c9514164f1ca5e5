// Moments between what happens, to ask about later.

// What node's clock and the server's may differ by.
const kApartMs = 2;

async function passed(ms) {
  while (Date.now() <= ms) await new Promise((resolve) => setImmediate(resolve));
}

// The time, once all that happened until then happened before it, and before anything else has.
export async function aMoment() {
  await passed(Date.now() + kApartMs);
  const moment = Date.now();
  await passed(moment + kApartMs);
  return moment;
}
