// The HTTP API as an OpenAPI file describes it, and whether a server keeps to that.

import assert from 'node:assert/strict';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';
import { request } from './http.mjs';

const kMethods = ['get', 'put', 'post', 'delete', 'patch'];
// What HTTP itself puts beside an answer, and the content type, which is described with the body.
const kOfHttp = [
  'connection',
  'content-length',
  'content-type',
  'keep-alive',
  'server',
  'transfer-encoding',
];

const ajv = new Ajv({ allErrors: true, strict: true, keywords: ['example'] });
addFormats(ajv);

export class Description {
  constructor(text) {
    const document = parse(text);
    this.document = resolved(document, document);
    this.operations = Object.entries(this.document.paths).flatMap(([path, item]) =>
      kMethods
        .filter((method) => method in item)
        .map((method) => ({
          id: item[method].operationId,
          method: method.toUpperCase(),
          path,
          parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])],
          body: item[method].requestBody?.content['application/json'].schema,
          responses: item[method].responses,
        })),
    );
    this.brought = new Set();
  }

  operation(id) {
    const found = this.operations.find((each) => each.id === id);
    assert.ok(found, `there is no operation ${id}`);
    return found;
  }

  // Sends a request and promises the answer, once it is found to be as described. `path`, `query`
  // and `headers` are the parameters, by name; `unlisted` are headers that are not described.
  async call(server, id, { path = {}, query = {}, headers = {}, unlisted = {}, body } = {}) {
    const operation = this.operation(id);
    const filled = operation.path.replaceAll(/{(\w+)}/g, (_, name) =>
      encodeURIComponent(path[name]),
    );
    // A space as %20: to the server a + is itself.
    const asked = new URLSearchParams(query).toString().replaceAll('+', '%20');
    const answer = await request(server.http, {
      method: operation.method,
      path: asked === '' ? filled : `${filled}?${asked}`,
      headers: { ...headers, ...unlisted },
      body,
    });
    this.check(operation, answer);
    if (answer.status < 300) checkRequest(operation, { path, query, header: headers, body });
    return answer;
  }

  // Throws when the answer is none that the operation is described to have; notes which it is.
  check(operation, answer) {
    const named = Object.keys(operation.responses);
    const key = [`${answer.status}`, `${`${answer.status}`[0]}XX`].find((each) =>
      named.includes(each),
    );
    const what = `${operation.id}: ${answer.status} ${answer.body.slice(0, 300)}`;
    assert.ok(key, `${what}\nonly ${named} are described`);
    const response = operation.responses[key];
    checkHeaders(response.headers ?? {}, answer.headers, what);
    checkBody(response.content, answer, what);
    const code = answer.json?.error?.code;
    if (code !== undefined) {
      const codes = codesOf(response);
      assert.ok(codes.includes(code), `${what}\nthe examples have only ${codes}`);
    }
    this.brought.add([operation.id, key, ...(code === undefined ? [] : [code])].join(' '));
  }

  // Every operation with every answer that is described, and of errors with every code.
  get all() {
    return this.operations.flatMap(({ id, responses }) =>
      Object.entries(responses).flatMap(([key, response]) => {
        const codes = codesOf(response);
        return codes.length === 0
          ? [`${id} ${key}`]
          : codes.map((code) => `${id} ${key} ${code}`);
      }),
    );
  }

  get missing() {
    return this.all.filter((each) => !this.brought.has(each));
  }
}

// Without $ref. What is described must not refer to itself.
function resolved(node, document) {
  if (Array.isArray(node)) return node.map((each) => resolved(each, document));
  if (node === null || typeof node !== 'object') return node;
  if ('$ref' in node) {
    const steps = node.$ref.replace(/^#\//, '').split('/');
    return resolved(
      steps.reduce((at, step) => at[step], document),
      document,
    );
  }
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, resolved(value, document)]),
  );
}

// Objects may have more fields than are described, so that there can be more one day. But what is
// there already is to be described.
function closed(schema) {
  const own = { ...schema };
  if (own.properties) {
    own.properties = Object.fromEntries(
      Object.entries(own.properties).map(([name, each]) => [name, closed(each)]),
    );
    own.additionalProperties ??= false;
  }
  if (own.items) own.items = closed(own.items);
  return own;
}

const compiled = new Map();
export function assertFits(schema, value, what) {
  if (!compiled.has(schema)) compiled.set(schema, ajv.compile(closed(schema)));
  const validate = compiled.get(schema);
  assert.ok(validate(value), `${what}\n${ajv.errorsText(validate.errors)}`);
}

// The examples of an error are named by its code.
function codesOf(response) {
  const examples = Object.entries(response.content?.['application/json']?.examples ?? {});
  return examples.filter(([, { value }]) => 'error' in value).map(([name]) => name);
}

// What stands in a header, a query or a path is a text, whatever it is described to be.
function valueOf(schema, text) {
  if (schema.type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (schema.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function checkHeaders(described, headers, what) {
  const byName = Object.fromEntries(
    Object.entries(described).map(([name, each]) => [name.toLowerCase(), each]),
  );
  for (const [name, value] of Object.entries(headers)) {
    if (kOfHttp.includes(name)) continue;
    assert.ok(byName[name], `${what}\nthe header ${name}: ${value} is not described`);
    const { schema } = byName[name];
    assertFits(schema, valueOf(schema, value), `${what}\n${name}: ${value}`);
  }
  for (const [name, { required }] of Object.entries(byName)) {
    assert.ok(!required || name in headers, `${what}\nthe header ${name} is missing`);
  }
}

function checkBody(content, answer, what) {
  if (content === undefined) return assert.equal(answer.body, '', `${what}\nno body is described`);
  const type = answer.headers['content-type'];
  assert.ok(content[type], `${what}\nof the content type ${type} nothing is described`);
  const isJson = type === 'application/json';
  assert.ok(!isJson || answer.json !== undefined, `${what}\nis not JSON`);
  assertFits(content[type].schema, isJson ? answer.json : answer.body, what);
}

function checkRequest(operation, { body, ...given }) {
  for (const [place, values] of Object.entries(given)) {
    for (const [name, value] of Object.entries(values)) {
      const parameter = operation.parameters.find((p) => p.in === place && p.name === name);
      assert.ok(parameter, `${operation.id}: no ${name} in ${place} is described`);
      const { schema } = parameter;
      assertFits(schema, valueOf(schema, `${value}`), `${operation.id}: ${name} ${value}`);
    }
  }
  if (body === undefined) return;
  assert.ok(operation.body, `${operation.id}: no body is described`);
  assertFits(operation.body, body, `${operation.id}: ${JSON.stringify(body).slice(0, 300)}`);
}
