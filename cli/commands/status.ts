// spillway status: the state of jobs, from the API.
import type { Command } from 'commander';
import { addApiOptions, ID_HELP, jobId } from '../api/options.ts';
import { numberUpTo } from '../arguments.ts';
import { onDemand } from '../on-demand.ts';

const JOBS = 20;
/** The API's own bound of a page. */
const JOBS_MOST = 100;

export function addStatusCommand(program: Command): void {
  const command = program
    .command('status')
    .description('show the state of a job, and what can be done next; without an id, list the newest jobs')
    .argument('[id]', ID_HELP, jobId)
    .option('--wait', 'follow the job until it has ended')
    .option('--limit <n>', `jobs to list, up to ${JOBS_MOST}`, numberUpTo(JOBS_MOST), JOBS);
  addApiOptions(command)
    .addHelpText(
      'after',
      `
Requests to an API on AWS are signed with the credentials that every AWS tool finds.

Examples:
  $ spillway status
  $ spillway status 56639e5958996219a1e5 --wait --api https://abcdef1234.execute-api.eu-west-1.amazonaws.com

Exit code: 0 when it could be read, whatever it is; 1 when not, 130 after Ctrl-C.`,
    )
    .action(onDemand(async () => (await import('../jobs/run.ts')).runStatus));
}
