// What a server's metrics say.

import { request } from './http.mjs';

// All samples, by name and labels as they are written: {'ackwire_parked': 3, …}.
export async function metricsOf(server) {
  const { body } = await request(server.admin, { path: '/metrics' });
  const samples = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}
