// The ports of the embedded cloud where none are asked for: where tools look for such services by themselves.

export const PORTS = { aws: 4566, dynamodb: 8000, api: 4580 } as const;
