// What a person sees: a line for each phase, a progress bar on a terminal only, and the table at
// the end.

const kRedrawMs = 100;
const kBarWidth = 32;
const kIndent = 12;

const terminal = process.stdout.isTTY === true;
const colours = terminal && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

export const count = (number) => number.toLocaleString('en-US');

let barIsDrawn = false;
let lastDraw = 0;

function clearBar() {
  if (barIsDrawn) process.stdout.write('\r\x1b[K');
  barIsDrawn = false;
}

export function phase(name, words) {
  clearBar();
  console.log(`${bold(name.padEnd(kIndent))}${words}`);
}

export function note(words) {
  phase('', dim(words));
}

// Redrawn at most ten times a second; `words` is only made when it is drawn.
export function progress(done, total, words) {
  const now = performance.now();
  if (!terminal || now - lastDraw < kRedrawMs) return;
  lastDraw = now;
  const filled = Math.round((kBarWidth * done) / Math.max(1, total));
  clearBar();
  const bar = green('█'.repeat(filled)) + dim('░'.repeat(kBarWidth - filled));
  process.stdout.write(`${''.padEnd(kIndent)}${bar} ${words()}`);
  barIsDrawn = true;
}

// Rows of [name, number, remark].
export function table(rows) {
  clearBar();
  const names = Math.max(...rows.map(([name]) => name.length));
  const numbers = Math.max(...rows.map(([, number]) => count(number).length));
  console.log('');
  for (const [name, number, remark = ''] of rows) {
    console.log(
      `  ${name.padEnd(names)}  ${bold(count(number).padStart(numbers))}  ${dim(remark)}`.trimEnd(),
    );
  }
  console.log('');
}

export function fail(words) {
  clearBar();
  console.error(`${red('demo failed:')} ${words}`);
}
