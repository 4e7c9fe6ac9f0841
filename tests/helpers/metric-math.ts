// CloudWatch's metric math, as far as alarms use it, over one period: a series has a point there, or it has none.
//
// AWS documents that IF has no result where its condition has none, and that a division by zero has none. SUM of an array adds the
// series that have a point. ("Using math expressions with CloudWatch metrics")
//
// It does not say whether FILL gives points to a series that was never published. Of operators it says that a missing point is 0,
// of a series that has others. Neither could be tried here, so both are settings: an alarm must be right under each.

export interface Reading {
  /** FILL gives points to a series that has never had one. */
  fillsEmpty: boolean;
  /** An operator takes a missing point for 0; else it has no result. */
  zeroesMissing: boolean;
}

export const READINGS: readonly Reading[] = [true, false].flatMap((fillsEmpty) =>
  [true, false].map((zeroesMissing) => ({ fillsEmpty, zeroesMissing })),
);

/** Undefined where the period has no point. */
type Point = number | undefined;
type Value = Point | readonly Point[];

const TOKEN = /\s*(>=|<=|==|[-+*/<>()[\],]|\d+(?:\.\d+)?|[A-Za-z_]\w*)/y;
/** Of operators, from the weakest. */
const STRENGTHS: readonly (readonly string[])[] = [
  ['AND', 'OR'],
  ['>', '<', '>=', '<=', '=='],
  ['+', '-'],
  ['*', '/'],
];

/**
 * @param points by the id of their series
 * @throws Error for what is no expression of this subset, or names no series
 */
export function evaluateMath(
  expression: string,
  points: Readonly<Record<string, Point>>,
  reading: Reading,
): Point {
  const tokens = tokensOf(expression);
  let at = 0;
  const take = (expected?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`${expression}: ${expected ?? 'a value'} expected in place of ${token ?? 'the end'}`);
    return token;
  };
  const listUntil = (end: string): Value[] => {
    const values: Value[] = [];
    while (tokens[at] !== end) {
      values.push(binary(0));
      if (tokens[at] === ',') take(',');
    }
    take(end);
    return values;
  };
  const operand = (): Value => {
    const token = take();
    if (token === '(') {
      const value = binary(0);
      take(')');
      return value;
    }
    if (token === '[') return listUntil(']').map(pointOf);
    if (/^\d/.test(token)) return Number(token);
    if (tokens[at] === '(') {
      take('(');
      return call(token, listUntil(')'), points, reading);
    }
    if (!Object.hasOwn(points, token)) throw new Error(`${expression}: there is no series ${token}`);
    return points[token];
  };
  function binary(strength: number): Value {
    const operators = STRENGTHS[strength];
    if (operators === undefined) return operand();
    let left = binary(strength + 1);
    while (operators.includes(tokens[at] ?? ''))
      left = operate(take(), pointOf(left), pointOf(binary(strength + 1)), reading);
    return left;
  }
  const result = binary(0);
  if (at !== tokens.length) throw new Error(`${expression}: ${tokens[at]} is too much`);
  return pointOf(result);
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (const text = expression.trim(); TOKEN.lastIndex < text.length; ) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw new Error(`${expression}: no token at ${from}`);
    tokens.push(token);
  }
  return tokens;
}

function pointOf(value: Value): Point {
  if (typeof value === 'object') throw new Error('an array stands where one series is expected');
  return value;
}

function call(
  name: string,
  given: Value[],
  points: Readonly<Record<string, Point>>,
  reading: Reading,
): Value {
  const [first, second, third] = given;
  switch (name) {
    case 'METRICS':
      return Object.values(points);
    case 'SUM': {
      const there = (first as readonly Point[]).filter((point) => point !== undefined);
      return there.length === 0 ? undefined : there.reduce((sum, point) => sum + point, 0);
    }
    case 'FILL':
      return first ?? (reading.fillsEmpty ? second : undefined);
    case 'IF':
      return first === undefined ? undefined : first === 0 ? third : second;
    default:
      throw new Error(`${name} is no function of this subset`);
  }
}

function operate(operator: string, left: Point, right: Point, { zeroesMissing }: Reading): Point {
  if (left === undefined && right === undefined) return undefined;
  if (!zeroesMissing && (left === undefined || right === undefined)) return undefined;
  const [a, b] = [left ?? 0, right ?? 0];
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? undefined : a / b;
    case 'AND':
      return Number(a !== 0 && b !== 0);
    case 'OR':
      return Number(a !== 0 || b !== 0);
    case '>':
      return Number(a > b);
    case '<':
      return Number(a < b);
    case '>=':
      return Number(a >= b);
    case '<=':
      return Number(a <= b);
    default:
      return Number(a === b);
  }
}
