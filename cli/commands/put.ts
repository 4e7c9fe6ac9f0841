// spillway put: local files straight to S3, at the rate that it takes.
import type { Command } from 'commander';
import { STORAGE_CLASSES } from '../../shared/attributes/object-attributes.ts';
import { OPTIONS } from '../../shared/job/option-table.ts';
import { contentTypeText, httpAddress, numberUpTo, positiveNumber } from '../arguments.ts';
import { jobOptionFlag } from '../job-option.ts';
import { onDemand } from '../on-demand.ts';

/** What a job may set on every object. The description of a job's option speaks of rows and copies, which put has none of. */
const ATTRIBUTE_FLAGS = [
  [OPTIONS.cacheControl, 'text', 'Cache-Control of every object'],
  [OPTIONS.contentDisposition, 'text', 'Content-Disposition of every object'],
  [OPTIONS.contentEncoding, 'text', 'Content-Encoding of every object'],
  [OPTIONS.contentLanguage, 'text', 'Content-Language of every object'],
  [OPTIONS.metadata, 'pairs', 'user metadata'],
  [OPTIONS.tags, 'pairs', 'tags, 10 at most'],
  [{ ...OPTIONS.storageClass, choices: STORAGE_CLASSES }, 'class', 'the storage class'],
  [OPTIONS.encryption, 'kind', OPTIONS.encryption.description],
  [OPTIONS.kmsKey, 'key', OPTIONS.kmsKey.description],
  [OPTIONS.bucketKey, 'whether', OPTIONS.bucketKey.description],
  [OPTIONS.checksumAlgorithm, 'name', "the objects' checksum; without it CRC32"],
] as const;

/** A cap, not a knob: the pace is found by itself. At S3's usual 40 ms it allows 3,000 requests a second, more than one process sends. */
const CONCURRENCY = 128;
/** Each is a socket to S3, and a system allows a process some thousands. */
const CONCURRENCY_MOST = 4_096;

export function addPutCommand(program: Command): void {
  const command = program
    .command('put')
    .description('put local files and folders straight into S3, at the rate that it takes')
    .argument('<path...>', 'files and folders, and then the destination: s3://BUCKET/PATH')
    .option('--endpoint-url <url>', "any S3 endpoint (default: AWS's)", httpAddress)
    .addOption(jobOptionFlag(OPTIONS.spread, 'spread').default('off'))
    .option('--concurrency <n>', 'requests at once, at most', numberUpTo(CONCURRENCY_MOST), CONCURRENCY)
    .addOption(jobOptionFlag(OPTIONS.ifExists, 'what'))
    .option('--content-type <type>', 'of every file (default: by the ending of its name)', contentTypeText)
    .option(
      '--retry-for <seconds>',
      'how long a file is tried again before it has failed',
      positiveNumber,
      OPTIONS.retryForSeconds.default,
    )
    .option(
      '--follow-links',
      'follow links that lead outside the folders, and store linked files by both names',
    )
    .option('--json', 'print one JSON object at the end, and everything else to stderr')
    .addHelpText(
      'after',
      `
A file keeps its name; a folder's files keep theirs from the folder on, with / between them. The destination's PATH is a
folder, with or without a slash at its end. Only where a single file is put, a PATH without that slash is the file's key.

Links inside a folder are passed over: what they lead to is stored once, by its own path, or lies outside. A path that is
named on the command line may be a link. With --follow-links each folder is still walked once.

The ending of a file's name gives its content type: index.html is stored as text/html, without a charset. Where the name
says nothing, the key's ending counts, and then the type is application/octet-stream. --content-type sets it for all files.

A file that changes while it is read is begun again once, and then fails as FileChanged. Where S3 loses the multipart upload
of a large file, it is begun again three times, and then fails as NoSuchUpload.

Where the system has no file descriptor left, put waits, and goes on with fewer files and connections at once. A file that
can't be opened for --retry-for fails as TooManyOpenFiles: lower --concurrency, or raise the limit (ulimit -n).

Credentials, region, endpoint, proxies (HTTPS_PROXY, NO_PROXY) and certificates (AWS_CA_BUNDLE) are found as every AWS tool finds
them. AWS_REQUEST_CHECKSUM_CALCULATION=when_required leaves checksums out, for endpoints that refuse them. Credentials of a session
that expire end the run: --if-exists skip goes on with new ones.

Examples:
  $ spillway put photos s3://my-bucket/2026                  photos/a.jpg becomes 2026/a.jpg
  $ spillway put report.csv s3://my-bucket/2026/             2026/report.csv
  $ spillway put report.csv s3://my-bucket/2026/final.csv    2026/final.csv
  $ spillway put a.csv b.csv s3://my-bucket --endpoint-url http://localhost:9000 --if-exists skip

Exit code: 0 when every file is stored or skipped, 1 when any failed, 130 after Ctrl-C.`,
    )
    .action(onDemand(async () => (await import('../put/run.ts')).runPut));
  for (const [option, placeholder, description] of ATTRIBUTE_FLAGS) {
    command.addOption(jobOptionFlag({ ...option, description }, placeholder));
  }
}
