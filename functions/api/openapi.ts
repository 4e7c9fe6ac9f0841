// The OpenAPI 3.1 document of the API, made from the table of routes and the schemas that requests and answers meet. It stands in
// docs/openapi.json, where a test holds it.
import * as z from 'zod/mini';
import { type JobOption, valuesOf } from '../../shared/job/option-kinds.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { uploadOrder } from './create-upload.ts';
import { placeSubmission } from './manifest-place.ts';
import {
  deadLettersAnswer,
  gatewayAnswer,
  jobAnswer,
  jobsAnswer,
  planAnswer,
  problemAnswer,
  reportAnswer,
  uploadAnswer,
} from './openapi-answers.ts';
import { PROBLEM_TYPE } from './problem.ts';
import { jsonSubmission, STORED_TYPES } from './read-submission.ts';
import { ROUTES, type Route, type RouteName } from './routes.ts';

type Json = Record<string, unknown>;

const SCHEMAS = {
  Job: jobAnswer,
  Jobs: jobsAnswer,
  Report: reportAnswer,
  Upload: uploadAnswer,
  Plan: planAnswer,
  DeadLetters: deadLettersAnswer,
  Problem: problemAnswer,
  GatewayFault: gatewayAnswer,
} as const;
type SchemaName = keyof typeof SCHEMAS;

interface Operation {
  summary: string;
  /** Each status of a success, with what it means. */
  success: Readonly<Record<number, string>>;
  answer: SchemaName;
  body?: 'manifest' | 'upload order';
  takesIdempotencyKey?: true;
}

const OPERATIONS: Readonly<Record<RouteName, Operation>> = {
  submitJob: {
    summary: 'Submits a manifest: as the body, as JSON rows, or by its place in S3',
    success: { 202: 'The job is submitted', 200: 'It was submitted before, under the same Idempotency-Key' },
    ...{ answer: 'Job', body: 'manifest', takesIdempotencyKey: true },
  },
  listJobs: { summary: 'Lists jobs, newest first', success: { 200: 'One page' }, answer: 'Jobs' },
  getJob: { summary: 'Reads one job', success: { 200: 'The job' }, answer: 'Job' },
  getReport: {
    summary: 'Links the files of the report of an ended job, for 15 minutes',
    success: { 200: 'One page of links' },
    answer: 'Report',
  },
  pauseJob: { summary: 'Pauses a job', success: { 202: 'The job' }, answer: 'Job' },
  resumeJob: { summary: 'Resumes a paused job', success: { 202: 'The job' }, answer: 'Job' },
  cancelJob: { summary: 'Cancels a job', success: { 202: 'The job' }, answer: 'Job' },
  redriveJob: {
    summary: 'Starts a job with the rows that an ended job did not store',
    success: { 202: 'The new job', 200: 'The new job, which was ordered before' },
    answer: 'Job',
  },
  rateJob: { summary: 'Changes how fast a job writes', success: { 200: 'The job' }, answer: 'Job' },
  createUpload: {
    summary: 'Makes a form with which a manifest of up to 5 GiB is uploaded; its job starts then',
    success: {
      201: 'The form: post its fields to its url as multipart/form-data, and the manifest last, as file',
    },
    ...{ answer: 'Upload', body: 'upload order', takesIdempotencyKey: true },
  },
  planJob: {
    summary: 'Reads a manifest of up to 32 MiB, and says what its job would do; nothing is sent',
    success: { 200: 'Counts, faults, requests, cost and time' },
    ...{ answer: 'Plan', body: 'manifest' },
  },
  listDeadLetters: {
    summary: 'Lists messages that no function could finish, oldest first',
    success: { 200: 'One page' },
    answer: 'DeadLetters',
  },
};

/** What API Gateway answers by itself, besides 500 and 503 where the function does not answer. */
const GATEWAY_FAULTS: Readonly<Record<number, string>> = {
  401: 'No valid JSON Web Token, where the deployment asks for one',
  403: 'No valid signature, or no right to call the API; by the API itself, a manifest in a bucket that it may not read',
  413: 'The body is too large, or a plan takes too long',
  429: 'Too many requests: wait, and send it again',
};

export interface OpenApiOptions {
  /** Newer versions may add members to answers. A test allows none that are not in the document. */
  isClosed?: boolean;
}

export function openApiDocument({ isClosed = false }: OpenApiOptions = {}): Json {
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    const operation = operationOf(name as RouteName, route);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation };
  }
  const schemas = Object.entries(SCHEMAS).map(([name, schema]) => [
    name,
    schemaOf(schema, 'output', isClosed),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spillway',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Submits manifests of objects that are written to Amazon S3, and controls the jobs that write them. Errors are problem details of RFC 9457.',
    },
    servers: [
      {
        url: '{endpoint}',
        description:
          'What `serverless info` prints, or a custom domain with its base path; the default is the embedded cloud',
        variables: { endpoint: { default: 'http://127.0.0.1:4580' } },
      },
    ],
    security: [{ iam: [] }, { jwt: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        iam: {
          ...{ type: 'apiKey', in: 'header', name: 'Authorization' },
          description: 'AWS Signature Version 4 for the service execute-api',
        },
        jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      },
    },
  };
}

function operationOf(name: RouteName, { path, query, method }: Route): Json {
  const { summary, success, answer, body, takesIdempotencyKey } = OPERATIONS[name];
  const parameters = [
    ...(path.includes('{id}') ? [ID] : []),
    ...(body === 'manifest'
      ? Object.values<JobOption>(OPTIONS).map(optionParameter)
      : queryParameters(query)),
    ...(takesIdempotencyKey === true ? [IDEMPOTENCY_KEY] : []),
  ];
  const successes = Object.entries(success).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: ref(answer) } } },
  ]);
  const content = {
    'application/json': { schema: ref('GatewayFault') },
    [PROBLEM_TYPE]: { schema: ref('Problem') },
  };
  const faults = Object.entries(GATEWAY_FAULTS).map(([status, description]) => [
    status,
    { description, content },
  ]);
  return {
    operationId: name,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method === 'POST' && body !== undefined ? { requestBody: requestBody(body) } : {}),
    responses: {
      ...Object.fromEntries([...successes, ...faults]),
      default: {
        description:
          'What is wrong, with every fault; a message alone where the function did not answer API Gateway',
        content,
      },
    },
  };
}

const ID = { name: 'id', in: 'path', required: true, description: 'A job', schema: { type: 'string' } };
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Makes repeats of one caller one job: a UUID, say',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

function optionParameter(option: JobOption): Json {
  const description = `${option.description}. It takes ${valuesOf(option)}`;
  return { name: option.name, in: 'query', description, schema: { type: 'string' } };
}

function queryParameters(query: z.ZodMiniType): Json[] {
  const { properties = {} } = schemaOf(query, 'input', false) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
}

function requestBody(kind: 'manifest' | 'upload order'): Json {
  if (kind === 'upload order') {
    return {
      required: true,
      content: { 'application/json': { schema: schemaOf(uploadOrder, 'input', true) } },
    };
  }
  const rows = { type: 'array', minItems: 1, items: { type: 'object' } };
  const inJson = [rows, schemaOf(jsonSubmission, 'input', true), schemaOf(placeSubmission, 'input', true)];
  const asFiles = STORED_TYPES.map(([type]) => [type, {}]);
  return {
    required: true,
    content: { 'application/json': { schema: { anyOf: inJson } }, ...Object.fromEntries(asFiles) },
  };
}

function ref(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function schemaOf(schema: z.ZodMiniType, io: 'input' | 'output', isClosed: boolean): Json {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  return isClosed ? made : (opened(made) as Json);
}

/** The schema without `additionalProperties: false`. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(
    ([name, each]) => !(name === 'additionalProperties' && each === false),
  );
  return Object.fromEntries(members.map(([name, each]) => [name, opened(each)]));
}
