#!/usr/bin/env node
// Makes golden data directories: make.mjs DIRECTORY. See README.md.

import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { grpcClients } from '../support/grpc.mjs';
import { startServer } from '../support/server.mjs';
import { begin, kFlags, kTrimmingFlags, operate, play, view } from './story.mjs';

const target = process.argv[2];
if (!target) {
  console.error('usage: make.mjs DIRECTORY');
  process.exit(2);
}

async function copyWithoutNotes(dataDir, to) {
  await mkdir(to, { recursive: true });
  await cp(dataDir, to, {
    recursive: true,
    filter: (path) => !/\/(LOG(\.old.*)?|LOCK|lock|OPTIONS-\d+|ingest)$/.test(path),
  });
}

const server = await startServer({ flags: kTrimmingFlags });
try {
  let rpc = grpcClients(server.grpc);
  await begin(server, rpc);
  rpc.close();
  await server.restart(kFlags);
  rpc = grpcClients(server.grpc);
  await play(server, rpc, 1);
  await operate(server, rpc);
  rpc.close();
  await server.restart(); // so that round one is in tables, and round two in the write-ahead log
  rpc = grpcClients(server.grpc);
  await play(server, rpc, 2);
  await operate(server, rpc);
  const killed = await view(rpc);
  rpc.close();
  await server.kill();
  await copyWithoutNotes(server.dataDir, join(target, 'killed'));
  await writeFile(join(target, 'killed.json'), JSON.stringify(killed, null, 1) + '\n');
  await server.launch();
  rpc = grpcClients(server.grpc);
  const clean = await view(rpc);
  rpc.close();
  await server.stop();
  await copyWithoutNotes(server.dataDir, join(target, 'clean'));
  await writeFile(join(target, 'clean.json'), JSON.stringify(clean, null, 1) + '\n');
} finally {
  await server.discard();
}
