// The HTTP API: who may call its routes, how many requests it takes, and whether it answers.
import {
  GetApiCommand,
  GetAuthorizerCommand,
  type GetAuthorizerCommandOutput,
  GetStageCommand,
  type GetStageCommandOutput,
} from '@aws-sdk/client-apigatewayv2';
import {
  type Ask,
  type Check,
  examine,
  examineEach,
  fail,
  type Problem,
  unchecked,
  type World,
  warn,
} from '../finding.ts';
import { ofType, type StackResource } from '../stack.ts';
import { authorizerIdOf, judgeRoutes, readRoutes } from './api-routes.ts';

const GET = 'apigateway:GET';

function judgeAuthorizer(
  { logicalId: about, properties }: StackResource,
  { JwtConfiguration: actual }: Pick<GetAuthorizerCommandOutput, 'JwtConfiguration'>,
): Problem[] {
  const wanted = (properties['JwtConfiguration'] ?? {}) as { Issuer?: string; Audience?: string[] };
  const textOf = (audience: readonly string[] = []) => audience.toSorted().join(', ');
  if (actual?.Issuer === wanted.Issuer && textOf(actual?.Audience) === textOf(wanted.Audience)) return [];
  return fail(
    about,
    `takes tokens of ${actual?.Issuer ?? 'no issuer'} for ${textOf(actual?.Audience)}, ` +
      `and of ${wanted.Issuer} for ${textOf(wanted.Audience)} in the template`,
    'deploy with the right jwtIssuer and jwtAudience',
  );
}

interface Throttling {
  ThrottlingRateLimit?: unknown;
  ThrottlingBurstLimit?: unknown;
}

function judgeThrottling(
  { logicalId: about, physicalId, properties }: StackResource,
  api: string,
  { DefaultRouteSettings: actual = {} }: Pick<GetStageCommandOutput, 'DefaultRouteSettings'>,
): Problem[] {
  const wanted = (properties['DefaultRouteSettings'] ?? {}) as Throttling;
  const differing = (['ThrottlingRateLimit', 'ThrottlingBurstLimit'] as const).filter(
    (name) => wanted[name] !== undefined && Number(wanted[name]) !== actual[name],
  );
  if (differing.length === 0) return [];
  const settings = differing.map((name) => `${name}=${wanted[name]}`).join(',');
  return warn(
    about,
    differing
      .map((name) => `${name} is ${actual[name] ?? 'not set'}, and ${wanted[name]} in the template`)
      .join('; '),
    `aws apigatewayv2 update-stage --api-id ${api} --stage-name '${physicalId}' --default-route-settings ${settings}`,
  );
}

/** @param answer to a request that nobody has signed */
function judgeAnswer(
  { logicalId: about }: StackResource,
  url: string,
  answer: Awaited<ReturnType<Ask>>,
): Problem[] {
  if (answer.kind === 'failed') {
    return warn(
      about,
      `${url} does not answer from here: ${answer.reason}`,
      'look at the network and the proxy between here and AWS, and try from another place',
    );
  }
  const { status } = answer;
  if (status === 401 || status === 403) return [];
  return fail(
    about,
    status < 400
      ? `${url} answers ${status} to a request without a signature or token: it is open to everybody`
      : `${url} answers ${status} to a request without a signature or token, instead of 401 or 403`,
    'look at its routes and its stage in API Gateway, and deploy again with --force',
  );
}

function examineAnswer({ clients, ask }: World, api: StackResource): Promise<Problem[]> {
  const { logicalId: about, physicalId: ApiId } = api;
  const call = () => clients.apigateway.send(new GetApiCommand({ ApiId }));
  return examine(about, GET, call, async ({ ApiEndpoint, DisableExecuteApiEndpoint }) => {
    if (ask === undefined)
      return unchecked(
        about,
        'another endpoint than AWS’s has no API to ask',
        'run the doctor without --endpoint-url',
      );
    if (ApiEndpoint === undefined || DisableExecuteApiEndpoint === true)
      return unchecked(
        about,
        'it answers under its own domain alone',
        'send a request without a signature there: it must get 403',
      );
    const url = `${ApiEndpoint}/jobs`;
    return judgeAnswer(api, url, await ask(url));
  });
}

/** What each check of the API begins with. */
async function withApi(
  { stack, prefix }: World,
  run: (api: StackResource) => Promise<Problem[]>,
): Promise<Problem[]> {
  const [api] = ofType(stack, 'AWS::ApiGatewayV2::Api');
  if (api !== undefined) return run(api);
  return fail(prefix, 'the stack has no HTTP API', 'deploy it again');
}

export const apiChecks: readonly Check[] = [
  {
    id: 'api-authorizer',
    good: 'Every route of the API asks who calls, as in the template.',
    needs: [GET],
    run: (world) =>
      withApi(world, async (api) => {
        const { stack, clients } = world;
        const { logicalId, physicalId: ApiId } = api;
        const declared = ofType(stack, 'AWS::ApiGatewayV2::Authorizer');
        const routes = await examine(
          logicalId,
          GET,
          () => readRoutes(clients.apigateway, ApiId),
          (actual) => judgeRoutes(api, ofType(stack, 'AWS::ApiGatewayV2::Route'), declared, actual),
        );
        const authorizers = await examineEach(declared, (each) => {
          const asked = new GetAuthorizerCommand({ ApiId, AuthorizerId: authorizerIdOf(each, ApiId) });
          return examine(
            each.logicalId,
            GET,
            () => clients.apigateway.send(asked),
            (actual) => judgeAuthorizer(each, actual),
          );
        });
        return [...routes, ...authorizers];
      }),
  },
  {
    id: 'api-throttling',
    good: 'The API takes as many requests as the template says.',
    needs: [GET],
    run: (world) =>
      withApi(world, ({ physicalId: ApiId }) =>
        examineEach(ofType(world.stack, 'AWS::ApiGatewayV2::Stage'), (stage) =>
          examine(
            stage.logicalId,
            GET,
            () => world.clients.apigateway.send(new GetStageCommand({ ApiId, StageName: stage.physicalId })),
            (actual) => judgeThrottling(stage, ApiId, actual),
          ),
        ),
      ),
  },
  {
    id: 'api-answers',
    good: 'The API answers, and refuses requests without a signature or token.',
    needs: [GET],
    run: (world) => withApi(world, (api) => examineAnswer(world, api)),
  },
];
