// What a server's metrics say of the ledger, and a full count of it.

import { grpcClients } from '../support/grpc.mjs';
import { metricsOf } from '../support/metrics.mjs';

// All subscriptions of these channels, as ListSubscriptions has them.
export async function listSubscriptions(subscriptions, channels) {
  const all = [];
  for (const channel of channels) {
    let pageToken = '';
    do {
      const page = await subscriptions.listSubscriptions({ channel, pageSize: 1000, pageToken });
      all.push(...page.subscriptions);
      pageToken = page.nextPageToken;
    } while (pageToken);
  }
  return all;
}

// Throws when they differ. Nobody may change anything meanwhile, and nobody be subscribed to other
// channels.
export async function checkCounts(server, channels) {
  const said = await metricsOf(server);
  const clients = grpcClients(server.grpc);
  try {
    const counted = { undelivered: 0, parked: 0 };
    for (const each of await listSubscriptions(clients.subscriptions, channels)) {
      counted.undelivered += each.undelivered;
      counted.parked += each.parked;
    }
    const undelivered =
      said['ackwire_undelivered{presence="online"}'] +
      said['ackwire_undelivered{presence="offline"}'];
    if (undelivered !== counted.undelivered || said.ackwire_parked !== counted.parked)
      throw new Error(
        `metrics: ${undelivered} undelivered and ${said.ackwire_parked} parked, and the ledger ` +
          `has ${counted.undelivered} and ${counted.parked}`,
      );
    return counted;
  } finally {
    clients.close();
  }
}
