// What the alert rules and the dashboard of tools/ops name is there: metrics at a running server's
// /metrics, commands in ackctl.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import YAML from 'yaml';
import { ackctl } from '../support/ackctl.mjs';
import { request } from '../support/http.mjs';
import { serverForFile } from '../support/server.mjs';

const server = await serverForFile();

// Of the contract, and not exported or not a command yet. Strike out what is there.
const kMetricsToCome = [];
const kCommandsToCome = [];
// Of Prometheus itself and of its blackbox exporter.
const kForeignMetrics = ['up', 'probe_success'];

const read = (name) => readFileSync(new URL(`../../tools/ops/${name}`, import.meta.url), 'utf8');
const alerts = read('alerts.yml');
const dashboard = JSON.parse(read('dashboard.json'));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

const expressions = [
  ...[...alerts.matchAll(/ expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/g)].map(
    ([, long, short]) => long ?? short,
  ),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

// Each metric of an expression: what stands before a selector or a range, or alone in it.
function metricsOf(expression) {
  const bare = expression.replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ');
  return [...bare.matchAll(/\b(ackwire_\w+|up|probe_success)\b/g)].map((match) => match[1]);
}

async function exported() {
  const text = await (await fetch(`http://${server.admin}/metrics`)).text();
  const names = new Set();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    names.add(name);
    if (type !== 'histogram') continue;
    for (const part of ['bucket', 'count', 'sum']) names.add(`${name}_${part}`);
  }
  return names;
}

test('every metric that is named is one that the server exports', async () => {
  const there = await exported();
  const named = new Set(expressions.flatMap(metricsOf));
  assert.ok(named.size >= 18, [...named].join(' '));
  const unknown = [...named].filter(
    (name) => !there.has(name) && !kMetricsToCome.includes(name) && !kForeignMetrics.includes(name),
  );
  assert.deepEqual(unknown, []);
  assert.deepEqual(
    kMetricsToCome.filter((name) => there.has(name)),
    [],
    'they are there now',
  );
});

test('every label that an expression goes by is one that the metric has', async () => {
  const text = await (await fetch(`http://${server.admin}/metrics`)).text();
  const has = (metric, label, value) =>
    new RegExp(`^${metric}\\{[^}]*\\b${label}="${value ?? ''}`, 'm').test(text);
  for (const expression of expressions) {
    for (const [, metric, selector] of expression.matchAll(/(ackwire_\w+)\{([^}]*)\}/g)) {
      for (const [, label, how, value] of selector.matchAll(/(\w+)(=~|=)"([^"]*)"/g)) {
        if (label === 'instance') continue; // by Prometheus
        for (const one of how === '=' ? [value] : value.split('|')) {
          assert.ok(has(metric, label, one), `${metric}{${label}="${one}"} in ${expression}`);
        }
      }
    }
  }
});

test('the dashboard shows what the contract has, and each panel says what it is', () => {
  const contract = readFileSync(new URL('../../proto/README.md', import.meta.url), 'utf8');
  const rows = contract.match(/^\| .*`ackwire_.*$/gm).join('\n');
  const promised = new Set([...rows.matchAll(/`(ackwire_\w+)/g)].map((match) => match[1]));
  assert.ok(promised.size >= 18, [...promised].join(' '));
  const shown = panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsOf(expr)));
  const missing = [...promised].filter((name) => !shown.some((one) => one.startsWith(name)));
  assert.deepEqual(missing, []);
  for (const panel of panels) {
    assert.ok(panel.title && panel.description && panel.targets.length > 0, JSON.stringify(panel));
  }
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test('ackctl says so when it was given a port of HTTP', async () => {
  for (const port of [server.http, server.admin]) {
    const { code, stderr } = await ackctl('--server', port, 'status');
    assert.equal(code, 3);
    assert.match(stderr, /That port serves HTTP: .* ackctl speaks gRPC.* port 7400 by default/);
  }
});

test('every command that a next step names is one of ackctl', async () => {
  const named = [alerts, read('README.md')].flatMap((text) =>
    [...text.matchAll(/`ackctl ([a-z]+)/g)].map((match) => match[1]),
  );
  const { stdout } = await ackctl('--help');
  const there = (command) => new RegExp(`^ {2}${command}\\b`, 'm').test(stdout);
  const unknown = new Set(named.filter((one) => !there(one) && !kCommandsToCome.includes(one)));
  assert.deepEqual([...unknown], [], stdout);
});

const milliseconds = (duration) => {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(duration);
  return number * { ms: 1, s: 1000, m: 60_000 }[unit];
};

test('systemd waits for a drain, as long as is said wherever it is named', () => {
  const named = ['ackwired.service', 'ackwired.toml', '../../README.md'].flatMap((file) =>
    [...read(file).matchAll(/TimeoutStopSec\D+(\d+)/g)].map(([, number]) => Number(number)),
  );
  assert.equal(named.length, 3);
  assert.equal(new Set(named).size, 1, `${named}`);
  const [, timeout] = /`--drain-timeout` \((\d+) s\)/.exec(read('../../README.md'));
  assert.ok(named[0] > Number(timeout));
});

test('Kubernetes waits for a drain, and asks what the server answers', async () => {
  const objects = YAML.parseAllDocuments(read('kubernetes.yaml')).map((each) => each.toJS());
  const of = (kind) => objects.filter((each) => each.kind === kind);
  const pod = of('StatefulSet')[0].spec.template.spec;
  const [container] = pod.containers;
  const flags = Object.fromEntries(container.args.map((each) => each.split('=')));
  const [grace, spread, timeout] = ['grace', 'spread', 'timeout'].map((name) =>
    milliseconds(flags[`--drain-${name}`]),
  );
  assert.ok(timeout > grace + spread);
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > timeout);
  assert.ok(container.readinessProbe.periodSeconds * 1000 < grace);
  for (const [probe, path] of [
    ['readinessProbe', '/readyz'],
    ['livenessProbe', '/healthz'],
    ['startupProbe', '/healthz'],
  ]) {
    const { httpGet } = container[probe];
    assert.equal(httpGet.path, path);
    const headers = Object.fromEntries(httpGet.httpHeaders.map(({ name, value }) => [name, value]));
    assert.equal((await request(server.admin, { path, headers })).status, 200);
  }
  // The flags are the contract's.
  const contract = readFileSync(new URL('../../proto/README.md', import.meta.url), 'utf8');
  for (const flag of Object.keys(flags)) assert.ok(contract.includes(`\`${flag}`), flag);
  const services = Object.fromEntries(of('Service').map((each) => [each.metadata.name, each.spec]));
  const paths = of('Ingress')[0].spec.rules[0].http.paths;
  const alsoNotReady = Object.fromEntries(
    paths.map(({ path, backend }) => [
      path,
      services[backend.service.name].publishNotReadyAddresses ?? false,
    ]),
  );
  assert.deepEqual(alsoNotReady, { '/v1/ws': false, '/v1/sse': false, '/': true });
});
