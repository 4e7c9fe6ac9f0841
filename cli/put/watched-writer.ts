// A writer that counts its requests under way and reports each answer as it comes.
import { classifyFault, type Fault } from '../../shared/aws/classify.ts';
import type { BytesWriter } from '../../shared/transfer/bytes-writer.ts';
import type { MultipartWriter } from '../../shared/transfer/multipart-writer.ts';
import type { Descriptors } from './descriptors.ts';

/** Called after each request, with its fault or, where S3 took it, without one. */
export type OnAnswer = (fault?: Fault) => void;

/** Small files need not be cut off, and each listener of a signal that all share costs time. */
export function withoutCutOff(writer: BytesWriter): BytesWriter {
  return { ...writer, write: (write) => writer.write(write) };
}

/** The same writer, each of whose requests has a slot while it is under way. */
export function watched<Writer extends BytesWriter | MultipartWriter>(
  writer: Writer,
  { requests, requestFault }: Descriptors,
  onAnswer: OnAnswer,
): Writer {
  const watch =
    (request: (...args: unknown[]) => Promise<unknown>) =>
    (...args: unknown[]) =>
      requests.hold(1, async () => {
        try {
          const answer = await request(...args);
          onAnswer();
          return answer;
        } catch (error) {
          const fault = requestFault(error);
          onAnswer(classifyFault(fault));
          throw fault;
        }
      });
  const entries = Object.entries(writer).map(([name, request]) => [name, watch(request)]);
  return Object.fromEntries(entries) as Writer;
}
