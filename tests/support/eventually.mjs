// Waiting for a condition that nothing announces.

const kPollMs = 15;

// Calls `fn` until it returns something truthy, and returns that. What fn throws counts as "not
// yet". After `timeoutMs` it throws, saying `what` was waited for and why the last try was not
// enough.
export async function eventually(fn, what, timeoutMs = 10_000) {
  const deadline = performance.now() + timeoutMs;
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
      throw new Error(`waited ${timeoutMs} ms for ${what}; ${last}`);
    await new Promise((resolve) => setTimeout(resolve, kPollMs));
  }
}

// Rejects with `what()` when `promise` takes longer than `timeoutMs`.
export async function within(timeoutMs, promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${timeoutMs} ms for ${what()}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
