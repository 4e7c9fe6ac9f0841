// Chooses the route of an HTTP API for a request: the most specific one that matches.
import type { FunctionModel, HttpRouteModel } from '../service/model.ts';

export interface MatchedRoute {
  functionName: string;
  routeKey: string;
  authorizer: HttpRouteModel['authorizer'];
  pathParameters: Record<string, string>;
}

export type RouteTable = (method: string, path: string) => MatchedRoute | undefined;

/** Full matches go before parameters, those before greedy ones (`{path+}`), and a method before `ANY`. */
export function createRouteTable(functions: Record<string, FunctionModel>): RouteTable {
  const routes = Object.values(functions).flatMap((model) =>
    model.routes.map((route) => ({ ...route, functionName: model.name, pattern: pathPattern(route.path) })),
  );
  routes.sort((left, right) => vagueness(left) - vagueness(right));
  return (method, path) => {
    for (const route of routes) {
      if (route.method !== '*' && route.method !== method) continue;
      const found = route.pattern.exec(path);
      if (found === null) continue;
      const isDefault = route.path === '*';
      return {
        functionName: route.functionName,
        authorizer: route.authorizer,
        routeKey: isDefault ? '$default' : `${route.method === '*' ? 'ANY' : route.method} ${route.path}`,
        pathParameters: Object.fromEntries(
          Object.entries(found.groups ?? {}).map(([name, value]) => [name, decode(value)]),
        ),
      };
    }
    return undefined;
  };
}

function vagueness({ method, path }: HttpRouteModel): number {
  if (path === '*') return 1_000;
  const kind = path.includes('+}') ? 100 : path.includes('{') ? 10 : 0;
  return kind + (method === '*' ? 1 : 0);
}

function pathPattern(path: string): RegExp {
  if (path === '*') return /^/;
  const source = path
    .split(/(\{\w+\+?\})/)
    .map((part) => {
      const parameter = /^\{(\w+)(\+?)\}$/.exec(part);
      if (parameter === null) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      return `(?<${parameter[1]}>${parameter[2] === '+' ? '.+' : '[^/]+'})`;
    })
    .join('');
  return new RegExp(`^${source}$`);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
