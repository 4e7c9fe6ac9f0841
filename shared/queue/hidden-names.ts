// Objects that are no manifests, whatever folder they lie in: what Hadoop, Spark, Hive and desktops write beside the data, and what
// AWS delivers beside a manifest.json.

/** Hadoop's marker of an empty folder, beside it. */
const FOLDER_MARKER = '_$folder$';
/** A copy that `hdfs dfs -put` has not finished yet. */
const COPYING = '._COPYING_';

/**
 * Names that Spark and Hive do not read as data (Spark's HadoopFSUtils.shouldFilterOutPathName):
 *
 * - every part of the key that begins with `.` or `_`, folders too: `_SUCCESS`, `.DS_Store`, `_temporary/0/part-0.csv`
 * - but a folder of a partition, `_day=2026-11-24`, whose column begins with `_`
 * - `folder_$folder$`, and what ends in `._COPYING_`
 */
export function isHiddenName(key: string): boolean {
  if (key.endsWith(FOLDER_MARKER) || key.endsWith(COPYING)) return true;
  return key.split('/').some((name) => name.startsWith('.') || (name.startsWith('_') && !name.includes('=')));
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** Start of a report, as `2026-11-27T01-00Z` and `dt=2026-11-27-01-00`. */
const START = String.raw`\d{4}-\d{2}-\d{2}T\d{2}-\d{2}Z`;
const HIVE_START = String.raw`dt=\d{4}-\d{2}-\d{2}-\d{2}-\d{2}`;
/** `<source bucket>/<configuration>/`, behind any prefix. */
const INVENTORY = `(?:^|/)[A-Za-z0-9._-]{3,255}/[A-Za-z0-9._-]+/`;

/** Each is the whole end of a key. */
const DELIVERED_PARTS: readonly RegExp[] = [
  new RegExp(`${INVENTORY}${START}/manifest\\.checksum$`),
  new RegExp(`${INVENTORY}hive/${HIVE_START}/symlink\\.txt$`),
  new RegExp(`${INVENTORY}data/${UUID}\\.(?:csv\\.gz|parquet|orc)$`),
  new RegExp(`(?:^|/)job-${UUID}/manifest\\.json\\.md5$`),
  new RegExp(`(?:^|/)job-${UUID}/results/[0-9a-f]{40}\\.csv$`),
  new RegExp(`(?:^|/)${UUID}/(?:FAILED|PENDING|SUCCEEDED)_\\d+\\.jsonl?$`),
  new RegExp(`(?:^|/)${UUID}\\.(?:csv|txt)\\.metadata$`),
];

/**
 * Parts of what AWS delivers. Only the manifest beside them starts a job, and reads them if they list objects:
 *
 * - S3 Inventory: `<bucket>/<configuration>/<start>/manifest.checksum`, `…/hive/dt=<start>/symlink.txt` and the files
 *   `…/data/<uuid>.csv.gz`, `.parquet` and `.orc` (S3 user guide, "Locating your inventory list")
 * - S3 Batch Operations: `job-<uuid>/manifest.json.md5` and `job-<uuid>/results/<sha1>.csv`
 * - a Distributed Map of Step Functions: `<map run>/FAILED_0.json`, and `PENDING_…`, `SUCCEEDED_…`, `.jsonl` (developer guide,
 *   "ResultWriter")
 * - Athena: `<uuid>.csv.metadata` beside the result `<uuid>.csv`, and `<uuid>.txt.metadata` (user guide, "Find query output files")
 *
 * The names are as AWS makes them: a user's own `data/list.csv.gz` is a manifest.
 */
export function isDeliveredPart(key: string): boolean {
  return DELIVERED_PARTS.some((pattern) => pattern.test(key));
}
