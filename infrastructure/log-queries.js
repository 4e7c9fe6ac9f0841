// The saved queries of CloudWatch Logs Insights, as a table. docs/operations.md says when to run which.
//
// A query finds the lines of an event by the text of its message, or by what every such line has. Lists are cut into one record an
// entry by `unnest`, which takes what jsonParse gives.

/**
 * @typedef {object} LogQuery
 * @property {string} name Behind the name of the stack, in the console's folder of queries.
 * @property {readonly string[]} functions Whose logs it reads, by their names in the template.
 * @property {readonly string[]} lines Its commands; a comment begins with #.
 */

const ALL = ['Ingest', 'Upload', 'Settle', 'Sweep', 'DeadLetters', 'Api'];

/**
 * By the id of its resource.
 * @type {Readonly<Record<string, LogQuery>>}
 */
export const LOG_QUERIES = {
  ThrottledPrefixesQuery: {
    name: 'prefixes that throttle most',
    functions: ['Upload'],
    lines: [
      '# The five prefixes of each batch that S3 refused most, by cause',
      'filter Throttled > 0',
      '| fields jsonParse(@message) as line',
      '| unnest line.throttledPrefixes into each',
      '| stats sum(each.times) as refused by each.prefix, each.cause',
      '| sort refused desc',
      '| limit 50',
    ],
  },
  FailedRowsQuery: {
    name: 'failed rows by error',
    functions: ['Upload'],
    lines: [
      '# The five codes of each batch that ended most rows as failed',
      'filter ObjectsFailed > 0',
      '| fields jsonParse(@message) as line',
      '| unnest line.failures into each',
      '| stats sum(each.times) as failed by each.code',
      '| sort failed desc',
      '| limit 50',
    ],
  },
  SlowInvocationsQuery: {
    name: 'slow invocations',
    functions: ALL,
    lines: [
      '# @duration is in ms, memory in bytes; @requestId leads to the lines of the invocation',
      'filter @type = "REPORT"',
      '| fields @timestamp, @log, @duration, @initDuration, @maxMemoryUsed, @memorySize, @requestId',
      '| sort @duration desc',
      '| limit 50',
    ],
  },
  JobStoryQuery: {
    name: 'one job',
    functions: ALL,
    lines: [
      '# Put the id of the job in place of JOB_ID. What one invocation did for several jobs is in the line of each',
      'filter @message like "JOB_ID"',
      '| fields @timestamp, service, level, message, slice, end, accepted, rejected, ObjectsStored, ObjectsSkipped,',
      '    ObjectsFailed, Throttled, stored, failed, unaccounted, control, fault.code, @message',
      '| sort @timestamp asc',
      '| limit 1000',
    ],
  },
  ErrorsQuery: {
    name: 'errors',
    functions: ALL,
    lines: [
      'filter level = "ERROR" or level = "WARN" or @message like "Task timed out"',
      '| stats count(*) as times, latest(@timestamp) as last by service, message, error.name',
      '| sort times desc',
      '| limit 50',
    ],
  },
};

/**
 * The queries as resources, for the list `resources` of serverless.yml. A Ref to a log group names it, and lets it come first.
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function logQueries({ resolveVariable }) {
  const prefix = String(await resolveVariable('self:custom.prefix'));
  return {
    Resources: Object.fromEntries(
      Object.entries(LOG_QUERIES).map(([id, { name, functions, lines }]) => [
        id,
        {
          Type: 'AWS::Logs::QueryDefinition',
          Properties: {
            Name: `${prefix}/${name}`,
            LogGroupNames: functions.map((of) => ({ Ref: `${of}LogGroup` })),
            QueryString: lines.join('\n'),
          },
        },
      ]),
    ),
  };
}
