// The server's gRPC API as far as the demo uses it.

import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const kProtoRoot = fileURLToPath(new URL('../../proto', import.meta.url));
const kCallTimeoutMs = 15_000;
const kPageSize = 500;
const kStreamUnanswered = 256; // requests on the way; past it the publisher waits for answers

export class Api {
  constructor(address) {
    const definition = protoLoader.loadSync(
      ['ackwire/v1/messages.proto', 'ackwire/v1/deliveries.proto'],
      { longs: Number, enums: String, defaults: true, oneofs: true, includeDirs: [kProtoRoot] },
    );
    const services = grpc.loadPackageDefinition(definition).ackwire.v1;
    const open = (Service) => new Service(address, grpc.credentials.createInsecure());
    this.address = address;
    this.messages = open(services.MessageService);
    this.subscriptions = open(services.SubscriptionService);
    this.deliveries = open(services.DeliveryService);
  }

  close() {
    for (const stub of [this.messages, this.subscriptions, this.deliveries]) stub.close();
  }

  call(stub, method, request) {
    return new Promise((resolve, reject) => {
      stub[method](request, { deadline: Date.now() + kCallTimeoutMs }, (error, answer) => {
        if (!error) resolve(answer);
        else reject(this.explained(method, error));
      });
    });
  }

  explained(method, error) {
    const why =
      error.code === grpc.status.UNAVAILABLE
        ? 'cannot reach it; is ackwired running there?'
        : error.details;
    return new Error(`${method} at ${this.address}: ${why}`);
  }

  // Existing subscriptions come back as they are.
  async subscribeMany(requests) {
    return (await this.call(this.subscriptions, 'SubscribeMany', { requests })).subscriptions;
  }

  listSubscriptions(channel) {
    return this.everyPage(this.subscriptions, 'ListSubscriptions', { channel }, 'subscriptions');
  }

  listClients() {
    return this.everyPage(this.deliveries, 'ListClients', {}, 'clients');
  }

  async everyPage(stub, method, request, field) {
    const rows = [];
    let pageToken = '';
    do {
      const page = await this.call(stub, method, { ...request, pageSize: kPageSize, pageToken });
      rows.push(...page[field]);
      pageToken = page.nextPageToken;
    } while (pageToken);
    return rows;
  }

  // Publishes batches of requests over one stream. `onAnswer(published)` is called for each answer,
  // in the order of the requests; the first refusal ends it.
  async publish(batches, onAnswer) {
    const stream = this.messages.PublishStream();
    let sent = 0;
    let answered = 0;
    let wake = () => {};
    let failure = null;
    const fail = (error) => {
      failure ??= error;
      wake();
    };
    stream.on('data', ({ results }) => {
      for (const { outcome, published, error } of results) {
        answered += 1;
        if (outcome === 'published') onAnswer(published);
        else
          fail(new Error(`message ${answered} was refused: ${error.message} (code ${error.code})`));
      }
      wake();
    });
    stream.on('error', (error) => fail(this.explained('PublishStream', error)));
    stream.on('end', () =>
      fail(new Error(`PublishStream ended after ${answered} answers of ${sent}`)),
    );
    const answersUntil = async (open) => {
      while (!failure && sent - answered > open)
        await new Promise((resolve) => {
          wake = resolve;
        });
      if (failure) throw failure;
    };
    for await (const requests of batches) {
      stream.write({ requests });
      sent += requests.length;
      await answersUntil(kStreamUnanswered);
    }
    await answersUntil(0);
    stream.end();
  }
}
