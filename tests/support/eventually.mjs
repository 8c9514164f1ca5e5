// Waiting for a condition that nothing announces.

const kPollMs = 15;
// How many times slower than the release build what is tested is: a sanitizer's build says so.
export const kSlowness = Number(process.env.ACKWIRE_SLOWNESS ?? 1);

// Calls `fn` until it returns something truthy, and returns that. What fn throws counts as "not
// yet". After `timeoutMs`, times kSlowness, it throws, saying `what` was waited for and why the
// last try was not enough.
export async function eventually(fn, what, timeoutMs = 10_000) {
  const deadline = performance.now() + kSlowness * timeoutMs;
  let last = 'the condition never held';
  for (;;) {
    try {
      const value = await fn();
      if (value) return value;
      last = `the last value was ${JSON.stringify(value)}`;
    } catch (error) {
      last = `the last try failed: ${error.message}`;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${kSlowness * timeoutMs} ms for ${what}; ${last}`);
    await new Promise((resolve) => setTimeout(resolve, kPollMs));
  }
}

// Rejects with `what()` when `promise` takes longer than `timeoutMs`, times kSlowness.
export async function within(timeoutMs, promise, what) {
  const limitMs = kSlowness * timeoutMs;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what()}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
