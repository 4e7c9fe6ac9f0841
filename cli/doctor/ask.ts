// Asks an API without a signature: whether it answers, and with what.
import { boundedText } from '../../shared/text/bounded.ts';
import { connectFetch } from '../api/connection.ts';
import type { Ask } from './finding.ts';

/** API Gateway refuses at once; a function may take 29 s, which none should get. */
const ANSWER_MS = 5_000;

export const askUnsigned: Ask = async (url) => {
  try {
    connectFetch(url);
    const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    return { kind: 'answered', status: answer.status };
  } catch (error) {
    const { message, cause } = error as Error;
    return { kind: 'failed', reason: boundedText(cause instanceof Error ? cause.message : message) };
  }
};
