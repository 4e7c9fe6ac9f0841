// Reads text of others that should be JSON, for a schema to judge.

/** @returns undefined for text that is no JSON: a schema then reports it as any other wrong value */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
