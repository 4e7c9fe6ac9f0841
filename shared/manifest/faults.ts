// What can be wrong with a manifest, a row of it, or its job. Reports hold the codes, so they are data and are never renamed.

/** Why a manifest can't be read at all. Its job ends as failed, with the code and a message that says what to do. */
export const manifestFaults = {
  Empty: 'no bytes, or blank lines alone',
  Compressed: 'zip, bzip2 or xz, or compressed twice',
  Archive: 'a tar archive, compressed or not',
  CompressionBroken: 'gzip or zstandard that is cut off, damaged, or followed by other bytes',
  CompressionUnsupported: 'zstandard with a dictionary, or with a window above 128 MiB',
  ExpandedTooLarge:
    'more bytes or lines than a converted manifest may have, or more than 500 bytes for each compressed one',
  ConversionTooLong:
    'a compressed manifest or a JSON array that takes longer to convert than one invocation has',
  JsonArrayBroken: 'a JSON array that is cut off, or whose elements and commas are not in order',
  UnsupportedFormat:
    'a binary format (Avro, ORC, a spreadsheet), or JSON that is neither NDJSON nor an array',
  Binary: 'NUL bytes near the start: no text',
  NotUtf8: 'UTF-16 or UTF-32, or a header that is not UTF-8',
  UnknownFormat: 'neither name, content type nor first line shows a format that Spillway reads',
  FormatMismatch: 'the name says one format, the first line is plainly the other',
  WrongSeparator: 'columns that are separated by semicolons or other characters than commas and tabs',
  NotBatchRows: 'named .batch-csv, and the first rows are no bucket and URL-encoded key',
  HeaderTooLong: 'a header row above 2 KiB, or one that does not end within the bytes that are looked at',
  HeaderBroken: 'quotes that do not close, or lines that end in a lone carriage return',
  HeaderNameMissing: 'a column without a name',
  ColumnNameInvalid:
    'CSV, TSV, Parquet: a column metadata.NAME or tag.NAME of a name that S3 does not take, or metadata or tags itself',
  DuplicateColumn: 'a column name twice',
  UnknownColumn: 'a column that Spillway does not know',
  KeyColumnMissing: 'no column key',
  PayloadColumnMissing: 'none of the columns source, text and base64',
  TemplateColumnMissing: 'a table or a list without a column that the option key-template names',
  ColumnTypeUnfit:
    'Parquet: a column whose type is not that of text or, for size and bucket_key, of numbers and booleans',
  ParquetDamaged: 'Parquet: a footer, a page or a value that can not be read',
  ParquetTooLarge: 'Parquet: a footer, a page, a dictionary or a number of rows above what is read',
  ParquetUnsupported: 'Parquet: encrypted, or with an encoding or a compression that is not read',
  ListTooLarge: 'a list of files: more or larger files than are read, or a list above 64 MiB',
  ListUnreadable: 'a list of files that is not as S3, S3 Batch Operations or Step Functions writes it',
  ListedFileRefused: 'a list of files: one in a bucket that is not read, or outside of its folder',
  ListedFileGone: 'a list of files: one that is not there',
  ListedFileChanged: 'a list of files: one with another size or MD5 than the list says',
  ItemUnfit: 'results of a Distributed Map: an execution whose input names no object',
  ListedFileBroken: 'a list of files: one whose rows are not what the list says',
} as const;

export type ManifestFault = keyof typeof manifestFaults;

/** Why a row can't be read or accepted. It is rejected with its place; the rows around it are not affected. */
export const rowFaults = {
  RowTooLong: 'a line above maximumRowBytes',
  QuoteNotClosed:
    'CSV: a quoted field that does not end, within maximumRowBytes, in a quote before a comma or line end',
  InvalidUtf8: 'bytes that are not UTF-8; posted to the API as text, U+FFFD, too',
  HeaderRepeated: 'CSV: a header line, or a line sep=, behind the first, as in files that were joined',
  ColumnCount: 'CSV: more or fewer fields than the header has, or than the first row where there is none',
  InvalidJson: 'NDJSON: a line that is no JSON',
  NotAnObject: 'NDJSON: JSON, but no object',
  UnknownColumn: 'NDJSON: a member that Spillway does not know',
  WrongType: 'NDJSON: a member that should be a string and is not, or a number that would lose digits as one',
  KeyMissing: 'no key, or an empty one',
  KeyTooLong: 'a key above 1,024 bytes of UTF-8',
  KeyEncoding:
    'S3 Batch Operations CSV: a key with a percent sign that begins no escape, or escapes that are not UTF-8',
  KeyRefused: 'a destination key that S3 refuses: soap, or .. segments that lead out of the bucket',
  KeyEmpty: 'a key that is empty under key-template, strip-prefix and strip-suffix',
  AffixMissing: 'a key without the start or end that strip-prefix or strip-suffix removes',
  TemplateColumnMissing: 'a column that key-template names is empty or missing',
  DuplicateKey: 'the destination key of an earlier row of the slice, unless duplicate-keys is allow',
  UnfitCharacters: 'a lone surrogate, U+FFFE or U+FFFF, which no SQS message can carry',
  PayloadMissing: 'none of source, text and base64',
  PayloadAmbiguous: 'more than one of source, text and base64',
  SourceInvalid: 'a source that is neither s3://bucket/key nor an https:// URL',
  SourceEtagInvalid: 'a source_etag that is no strong ETag, or stands without a source',
  UrlInvalid: 'an URL in source that can not be read as one, or holds white space or a backslash',
  UrlTooLong: 'an URL in source above 8,000 characters',
  UrlNotHttps: 'an URL in source that begins with http://',
  UrlHasCredentials: 'an URL in source with a user name or a password',
  UrlHasFragment: 'an URL in source with a #',
  UrlPort: 'an URL in source with another port than 443',
  UrlHostIsAddress: 'an URL in source with an address, in whatever notation, instead of a host name',
  UrlHostInvalid: 'an URL in source with a host that is no name of two labels or more, or ends in a dot',
  VersionInvalid:
    'a source_version that is no version id, stands without a source in S3, or differs from the ?versionId= of its source',
  TextTooLarge: 'text above 64 KiB of UTF-8',
  Base64Invalid: 'base64 that is not',
  Base64TooLarge: 'base64 above 64 KiB decoded',
  ContentTypeInvalid: 'a content_type that no HTTP header can carry',
  HeaderInvalid:
    'a cache_control, content_disposition, content_encoding or content_language that no header can carry',
  HeadersTooLarge: 'content headers above 2 KiB in all, those of the job included',
  MetadataInvalid: 'metadata of a name or a value that no header can carry, or of a name twice',
  MetadataTooLarge: 'metadata above 2 KiB of names and values, those of the job included',
  TagInvalid: 'a tag of a name or a value that S3 does not take, or of a name twice',
  TooManyTags: 'more than 10 tags, those of the job included',
  AttributesTooLarge: 'headers, metadata and tags above 6 KiB in all',
  StorageClassInvalid: 'a storage_class that S3 does not have, or source in a row without one',
  EncryptionInvalid:
    'an encryption that is neither AES256 nor aws:kms, or a bucket_key that is neither true nor false',
  KmsKeyInvalid: 'a kms_key that is no key of KMS, or stands without the encryption aws:kms',
  KmsKeyNotAllowed: 'a kms_key of the row or its job that the parameter kmsKeys does not list',
  SourceNotAllowed:
    'a source in a bucket or at a host that the parameters sourceBuckets and sourceHosts do not list',
  ChecksumAlgorithmInvalid: 'a checksum_algorithm that Spillway can not compute',
  IfExistsInvalid: 'an if_exists that is not overwrite, skip or fail',
  SizeInvalid: 'a size that is no whole number of bytes from 0 to 48.8 TiB',
} as const;

export type RowFault = keyof typeof rowFaults;

/** Why a job fails whose manifest, as far as it was read, had no such fault. */
export const jobFaults = {
  DeadlineExceeded:
    'the deadline passed: rows that had not ended are booked as lost (option deadline-seconds)',
  IngestFailed: 'the manifest could not be read or cut, time after time: the message names the dead letter',
  InvalidJobFile:
    'a job file that is too long, or that has a fault: the message lists every one with its place',
  InvalidOptions: 'an option that is unknown, wrong, or not allowed in this deployment',
  InvalidOrder:
    'an object with the content type of an order, which the API alone may give; or an order that is not whole',
  InvalidRedrive: 'an order for a redrive that is not whole, or names a report elsewhere',
  JobIdTaken: 'the key names a job that has another manifest: drop it under another key',
  ManifestGone: 'the manifest, or a file of it, was replaced or deleted before it was read: drop it again',
  ManifestMissing: 'a job file or a request names a manifest that is not there, or can not be read',
  NothingToRedrive: 'the report to redrive names no file of failed rows',
  ParserChanged: 'the job began under a version that may have found other rows: drop the manifest again',
  ReportGone: 'the report to redrive was deleted',
  ReportUnreadable: 'the report to redrive is no report of this version, or too long',
  RowUnreadable:
    'a row of the ledger that this version can not read: the message names the row and the remedy',
  SettleFailed: 'slices could not be settled by the deadline: the message names the dead letter',
  TooManyFailures: 'more rows failed than max-failed-percent allows: the rest is cancelled',
  TooManyRejected: 'more rows were rejected than max-failed-percent allows: the rest is cancelled',
  TooManySlices: 'more rows than the slices of one job hold: the message says where to cut',
} as const;
