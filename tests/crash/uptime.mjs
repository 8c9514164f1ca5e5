// The server as those see it who live through its crashes: a process, then the next one.

import { setTimeout as after } from 'node:timers/promises';

export class Uptime {
  constructor(server) {
    this.server = server;
    this.process = 1; // counts the server's processes
    this.nextIsUp = null; // a promise while the server is down
    // Rejects when the server ends without having been killed; never resolves.
    this.died = new Promise((_, reject) => {
      this.reportDeath = reject;
    });
    this.watch();
  }

  watch() {
    const process = this.process;
    this.server.exited.then((end) => {
      if (this.isLost(process)) return;
      this.reportDeath(new Error(`ackwired ended by itself: ${JSON.stringify(end)}`));
    });
  }

  // Resolves to the number of the process that serves, at once or after the restart.
  async up() {
    await this.nextIsUp;
    return this.process;
  }

  // True when what was begun with that process may have been cut off by a kill. Any other failure
  // is the server's.
  isLost(process) {
    return this.nextIsUp !== null || process !== this.process;
  }

  // kill -9 after so many ms, then a new process on the same directory. `onKilled` is called
  // between the two.
  async killAfter(ms, onKilled) {
    await after(ms);
    this.nextIsUp = this.server
      .kill()
      .then(onKilled)
      .then(() => this.server.launch())
      .then(() => {
        this.process += 1;
        this.nextIsUp = null;
        this.watch();
      });
    await this.nextIsUp;
  }

  // A clean end: no exit is a surprise from here on.
  async stop() {
    this.process += 1;
    await this.server.stop();
  }
}
