// The `spillway` command: one file a command in commands/, and here what they share: how options are refused, how errors
// are printed, what the exit code is.
//
//   0    done, every row accounted for        2    wrong use: unknown command or option, bad value
//   1    a failure, shown on stderr           130  ended by Ctrl-C
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addConcurrencyCommand } from './commands/concurrency.ts';
import { addDeadLettersCommand } from './commands/deadletters.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeyCommand } from './commands/key.ts';
import { addLabCommand } from './commands/lab.ts';
import { addOrderCommands } from './commands/orders.ts';
import { addPutCommand } from './commands/put.ts';
import { addRateCommand } from './commands/rate.ts';
import { addReportCommand } from './commands/report.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUpCommand } from './commands/up.ts';
import { errorText, Failure, USAGE_EXIT_CODE } from './failure.ts';
import { terminal } from './terminal/terminal.ts';
import { usageOutput } from './usage.ts';

terminal.guard(process);
// Also of promises that no code awaits. Node would print the stack as it is.
process.on('uncaughtException', (error) => {
  terminal.err(errorText(error));
  process.exit(1);
});

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('spillway')
  .description('Writes millions of objects to Amazon S3 from a manifest, at the rate that S3 takes.')
  .version(version)
  .configureOutput(usageOutput(terminal))
  .showHelpAfterError('(--help shows more)')
  .exitOverride();
const ADDERS = [
  addDemoCommand,
  addUpCommand,
  addStatusCommand,
  addReportCommand,
  addOrderCommands,
  addRateCommand,
  addDeadLettersCommand,
  addDoctorCommand,
  addConcurrencyCommand,
  addPutCommand,
  addKeyCommand,
  addLabCommand,
  addSimulateCommand,
];
for (const add of ADDERS) add(program);
// Commands are made with the program's settings as they stood then.
for (const command of program.commands) command.copyInheritedSettings(program).exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  // commander has printed the message already; help and version "fail" with 0.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  else {
    terminal.err(errorText(error));
    process.exitCode = error instanceof Failure ? error.exitCode : 1;
  }
}
