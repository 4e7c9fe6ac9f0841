// Holds answers of the API against its OpenAPI document, in which no answer may have a member that the document lacks.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openApiDocument } from '../../functions/api/openapi.ts';

interface Operation {
  responses: Record<string, { content: Record<string, { schema: { $ref: string } }> }>;
}

const DOCUMENT = 'spillway';
const document = openApiDocument({ isClosed: true });
const paths = document['paths'] as Record<string, Record<string, Operation>>;
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(document, DOCUMENT);

/** @returns what the document says against the answer; empty where the answer meets it */
export function contractFaults(
  { method, path }: { method: string; path: string },
  answer: { status: number; contentType: string; body: unknown },
): string[] {
  const { status, contentType, body } = answer;
  const responses = paths[path]?.[method.toLowerCase()]?.responses;
  if (responses === undefined) return [`the document has no ${method} ${path}`];
  const response = responses[status] ?? responses['default'];
  const media = response?.content[contentType.split(';')[0] ?? ''];
  if (media === undefined) return [`${method} ${path} has no answer ${status} of ${contentType}`];
  const validate = ajv.getSchema(`${DOCUMENT}${media.schema.$ref}`);
  if (validate === undefined) return [`the document has no ${media.schema.$ref}`];
  if (validate(body) === true) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
