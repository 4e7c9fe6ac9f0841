// What `spillway up` begins with. Its ports where none are asked for: where tools look for such services by themselves.

export const PORTS = { aws: 4566, dynamodb: 8000, api: 4580 } as const;

/** Manifests may copy from it, so that `source` can be tried. */
export const SOURCE_BUCKET = 'spillway-source';
