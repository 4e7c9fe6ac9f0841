// The routes of the HTTP API: whether each is there, and asks who calls as the template says.
import { type ApiGatewayV2Client, GetRoutesCommand, type Route } from '@aws-sdk/client-apigatewayv2';
import { fail, type Problem } from '../finding.ts';
import { referredTo, type StackResource } from '../stack.ts';

const NO_AUTHORIZATION = 'NONE';
const CREATE_AGAIN = 'create it again by hand, or remove the stage and deploy it again';
/** API Gateway's quota of routes: no answer that has a further one is empty. */
const MAX_PAGES = 300;

/** API Gateway documents neither how many routes an answer has nor how many may be asked for. */
export async function readRoutes(client: Pick<ApiGatewayV2Client, 'send'>, ApiId: string): Promise<Route[]> {
  const routes: Route[] = [];
  let next: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const asked = new GetRoutesCommand({ ApiId, ...(next === undefined ? {} : { NextToken: next }) });
    const { Items = [], NextToken } = await client.send(asked);
    routes.push(...Items);
    next = NextToken;
    if (next === undefined || next === '') return routes;
  }
  throw new Error(`${ApiId} has too many routes to be an API of Spillway`);
}

/** A type with an identifier of two parts may be listed with both: AUTHORIZER|API. */
export function authorizerIdOf({ physicalId }: Pick<StackResource, 'physicalId'>, apiId: string): string {
  return physicalId.split('|').find((part) => part !== apiId) ?? physicalId;
}

/** Who may call a route. */
interface Access {
  type: string;
  authorizerId: string | undefined;
  /** A token needs one of them; without any, every token will do. Sorted. */
  scopes: readonly string[];
}

/**
 * @param declared the routes of the template
 * @param authorizers those of the template
 */
export function judgeRoutes(
  { logicalId: about, physicalId: apiId }: StackResource,
  declared: readonly StackResource[],
  authorizers: readonly StackResource[],
  actual: readonly Route[],
): Problem[] {
  const missing = declared
    .filter(({ properties }) => !actual.some(({ RouteKey }) => RouteKey === properties['RouteKey']))
    .flatMap(({ properties }) => fail(about, `the route ${properties['RouteKey']} is gone`, CREATE_AGAIN));
  const changed = actual.flatMap((route) => {
    const of = declared.find(({ properties }) => properties['RouteKey'] === route.RouteKey);
    const wanted = of === undefined ? undefined : wantedAccess(of, authorizers, apiId);
    const fault = faultOf(String(route.RouteKey), accessOf(route), wanted);
    if (fault === undefined) return [];
    const change = `aws apigatewayv2 update-route --api-id ${apiId} --route-id ${route.RouteId}`;
    return fail(about, fault, `${change} ${optionsOf(wanted ?? SIGNED)}`);
  });
  return [...missing, ...changed];
}

const SIGNED: Access = { type: 'AWS_IAM', authorizerId: undefined, scopes: [] };

function wantedAccess(
  { properties }: StackResource,
  authorizers: readonly StackResource[],
  apiId: string,
): Access {
  const named = referredTo(properties['AuthorizerId']);
  const authorizer = authorizers.find(({ logicalId }) => logicalId === named);
  return {
    type: String(properties['AuthorizationType'] ?? 'AWS_IAM'),
    authorizerId: authorizer === undefined ? undefined : authorizerIdOf(authorizer, apiId),
    scopes: [...((properties['AuthorizationScopes'] ?? []) as string[])].sort(),
  };
}

function accessOf({ AuthorizationType, AuthorizerId, AuthorizationScopes = [] }: Route): Access {
  return {
    type: AuthorizationType ?? NO_AUTHORIZATION,
    authorizerId: AuthorizerId,
    scopes: [...AuthorizationScopes].sort(),
  };
}

/** @param wanted undefined of a route that the template does not have: it is none of the doctor's business, unless it is open */
function faultOf(route: string, actual: Access, wanted: Access | undefined): string | undefined {
  if (actual.type === NO_AUTHORIZATION) return `${route} has no authorizer: it takes requests of everybody`;
  if (wanted === undefined) return undefined;
  if (actual.type !== wanted.type)
    return `${route} asks for ${actual.type}, and for ${wanted.type} in the template`;
  if (wanted.authorizerId !== undefined && actual.authorizerId !== wanted.authorizerId)
    return `${route} asks the authorizer ${actual.authorizerId}, and ${wanted.authorizerId} in the template`;
  if (actual.scopes.join(' ') === wanted.scopes.join(' ')) return undefined;
  return `${route} takes tokens with ${scopesText(actual)}, and with ${scopesText(wanted)} in the template`;
}

function scopesText({ scopes }: Access): string {
  return scopes.length === 0 ? 'any scope' : `one of the scopes ${scopes.join(', ')}`;
}

/** As options of `aws apigatewayv2 update-route`, which refuses JWT without its authorizer. */
function optionsOf({ type, authorizerId, scopes }: Access): string {
  if (authorizerId === undefined) return `--authorization-type ${type}`;
  // A list as JSON: no scope is taken for an option, and an empty list takes away those that are there.
  const list = JSON.stringify(scopes).replaceAll("'", String.raw`'\''`);
  return `--authorization-type ${type} --authorizer-id ${authorizerId} --authorization-scopes '${list}'`;
}
