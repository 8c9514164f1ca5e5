// Publishing by HTTP over one connection that is kept, as a thread that measures it wants it.

import { Agent, request } from 'node:http';

export class Publishing {
  constructor(http, channel) {
    [this.host, this.port] = http.split(':');
    this.path = `/v1/channels/${encodeURIComponent(channel)}/messages`;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  // Resolves once it is stored.
  publish(payload) {
    const { host, port, path, agent } = this;
    return new Promise((resolve, reject) => {
      const call = request({ host, port, path, agent, method: 'POST' }, (answer) => {
        answer.resume();
        answer.once('end', () =>
          answer.statusCode === 201 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
        );
      });
      call.once('error', reject);
      call.end(JSON.stringify({ sender: 'live', contentType: 'application/json', payload }));
    });
  }

  close() {
    this.agent.destroy();
  }
}
