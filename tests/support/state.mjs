// Waiting until the server knows of something, by asking it.

import { eventually } from './eventually.mjs';

// Explains a delivery once it is in the state (and for the reason) wanted, both spelled as in the
// .proto, without prefix.
export function explained(rpc, client, channel, seq, state, reason, timeoutMs) {
  let last;
  return eventually(
    async () => {
      last = await rpc.deliveries.explainDelivery({ client, channel, seq });
      return (
        last.state === `DELIVERY_STATE_${state}` &&
        (reason === undefined || last.reason === `REASON_${reason}`) &&
        last
      );
    },
    `${channel} ${seq} to be ${state} ${reason ?? ''} for ${client}`,
    timeoutMs,
  ).catch((error) => {
    error.message += `; last it was ${JSON.stringify(last)}`;
    throw error;
  });
}

// A connection that was dropped is one only once the server has noticed: connecting before that
// would be a takeover.
export function offline(rpc, client) {
  return eventually(
    async () => !(await rpc.deliveries.getClient({ client })).online,
    `${client} to be offline`,
  );
}

// The floor of a subscription as the server lists it.
export async function floorOf(rpc, client, channel) {
  const { subscriptions } = await rpc.subscriptions.listSubscriptions({ client, channel });
  return subscriptions.length === 1 ? subscriptions[0].floor : undefined;
}

export function floorReaches(rpc, client, channel, floor) {
  return eventually(
    async () => (await floorOf(rpc, client, channel)) === floor,
    `the floor of ${client} in ${channel} to be ${floor}`,
  );
}
