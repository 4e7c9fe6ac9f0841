// Objects beside the data that Hadoop, Spark, Hive and desktops write: no manifests, whatever folder they are copied into.

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
