// The server as those see it who live through its crashes: a process, then the next one.

export class Uptime {
  constructor(server) {
    this.server = server;
    this.process = 1; // counts the server's processes
    this.doomed = false; // what will end this process has begun
    this.nextIsUp = null; // a promise while the server is down
    this.mayRefuse = false; // it has been told to end, and says so to whoever asks for more
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

  // True when what was begun with that process may have been cut off by its end. Any other failure
  // is the server's.
  isLost(process) {
    return this.doomed || this.nextIsUp !== null || process !== this.process;
  }

  // True when that process may have answered with a refusal.
  couldRefuse(process) {
    return this.mayRefuse && this.isLost(process);
  }

  // `strike` does what ends the process, and is followed by kill -9; the load goes on meanwhile.
  // Then a new process starts on the same directory. `onDown` is called between the two.
  async crash(strike, onDown, launch = () => this.server.launch()) {
    this.doomed = true;
    await strike(this.server);
    this.nextIsUp = this.server
      .kill()
      .then(onDown)
      .then(launch)
      .then(() => {
        this.process += 1;
        this.doomed = false;
        this.mayRefuse = false;
        this.nextIsUp = null;
        this.watch();
      });
    await this.nextIsUp;
  }

  // A clean end: no exit is a surprise from here on.
  async stop() {
    this.doomed = true;
    await this.server.stop();
  }
}
