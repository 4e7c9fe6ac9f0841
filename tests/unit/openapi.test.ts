// docs/openapi.json is made from the table of routes. After a change: npx vitest run tests/unit/openapi.test.ts -u
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../functions/api/openapi.ts';
import { ROUTES } from '../../functions/api/routes.ts';
import { INTERNAL_SERVER_ERROR } from '../../local/lambda/http-event.ts';
import { sample } from '../helpers/fake-api.ts';

const FILE = new URL('../../docs/openapi.json', import.meta.url);
const document = openApiDocument();

interface Operation {
  operationId: string;
  requestBody?: { content: Record<string, { schema?: object }> };
  responses: Record<string, { content: Record<string, { schema?: object }> }>;
}
const paths = document['paths'] as Record<string, Record<string, Operation>>;

describe('the OpenAPI document', () => {
  it('is what the table of routes says', async () => {
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(fileURLToPath(FILE));
  });

  it('has every route, under its name', () => {
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => [operationId, method.toUpperCase(), path]),
    );
    const routes = Object.entries(ROUTES).map(([name, { method, path }]) => [name, method, path]);
    expect(operations.sort()).toEqual(routes.sort());
  });

  it.each([
    'api-post-jobs',
    'api-post-jobs-place',
    'api-post-uploads',
    'api-post-plans',
    'api-post-plans-place',
  ])('takes the body of %s', (name) => {
    const { routeKey, body } = sample(name);
    const path = routeKey.slice('POST '.length);
    const schema = paths[path]?.['post']?.requestBody?.content['application/json']?.schema ?? false;
    const validate = new Ajv2020({ strict: false }).compile(schema);
    expect(validate(JSON.parse(body ?? '')), JSON.stringify(validate.errors)).toBe(true);
  });

  // Without an answer of the function, API Gateway gives one of its own: a failure, a timeout, no concurrency left.
  it.each([401, 403, 413, 429, 500, 502, 503, 504])('has the form of %i by API Gateway itself', (status) => {
    const { body, headers } = INTERNAL_SERVER_ERROR;
    const fault = (document['components'] as { schemas: Record<string, object> }).schemas['GatewayFault'];
    const validate = new Ajv2020({ strict: false }).compile(fault ?? false);
    expect(validate(JSON.parse(String(body)))).toBe(true);
    const type = String(headers['content-type']);
    for (const { operationId, responses } of Object.values(paths).flatMap(Object.values<Operation>)) {
      const { content } = responses[status] ?? responses['default'] ?? { content: {} };
      expect(content, operationId).toHaveProperty([type], {
        schema: { $ref: '#/components/schemas/GatewayFault' },
      });
    }
  });

  const probe = spawnSync('python3', ['-c', 'import openapi_spec_validator'], { encoding: 'utf8' });
  it.skipIf(probe.status !== 0)(
    'is valid by openapi-spec-validator, where Python has it (skipped elsewhere)',
    () => {
      const checked = spawnSync('python3', ['-m', 'openapi_spec_validator', fileURLToPath(FILE)], {
        encoding: 'utf8',
      });
      expect(checked.stdout + checked.stderr).toMatch(/: OK/);
      expect(checked.status).toBe(0);
    },
  );
});
