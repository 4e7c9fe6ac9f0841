// X-Ray tracing, where the parameter `tracing` asks for it: the policy with which the functions send their traces. A role names the
// policy, so it is there before the function: Lambda refuses active tracing for a role that may not write traces.

/**
 * The policy as a resource, for the list `resources` of serverless.yml. Without tracing there is none.
 * @param {{ resolveVariable: (name: string) => Promise<unknown> }} context
 */
export async function tracing({ resolveVariable }) {
  const settings = /** @type {{ tracing: boolean }} */ (await resolveVariable('self:custom.settings'));
  if (!settings.tracing) return { Resources: {} };
  return {
    Resources: {
      TracePolicy: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: {
          Description: 'Lets the functions of the stack send their traces to X-Ray',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
                // X-Ray has no resource that these actions could be limited to (Service Authorization Reference).
                Resource: '*',
              },
            ],
          },
        },
      },
    },
  };
}
