// What the launcher says and how it ends, in a small checkout with and without its packages.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeError } from '../../cli/failure.ts';
import { missingPackageText } from '../../cli/node/missing-package.js';
import { folderOfTest } from '../helpers/temporary-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let checkout: string;
beforeEach(async () => {
  checkout = await folderOfTest('spillway ö %20 ');
  for (const place of ['cli/node', 'cli/bin.js', 'cli/start.js']) {
    cpSync(path.join(ROOT, place), path.join(checkout, place), { recursive: true });
  }
  write('package.json', '{ "type": "module" }');
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(checkout, file)), { recursive: true });
  writeFileSync(path.join(checkout, file), text);
}

function run(script: string, ...args: string[]) {
  const done = spawnSync(process.execPath, [path.join(checkout, script), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
}

describe('where npm ci has not run', () => {
  it('a command says so in one line', () => {
    write('cli/main.ts', "import { Command } from 'commander';\nnew Command();\n");
    expect(run('cli/bin.js', 'key', 'a')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'spillway: the package commander is not installed: run "npm ci", without --omit\n',
    });
  });

  it.each(['lab/bench/main.ts', 'vitest'])('%s says so in one line', (command) => {
    write('package.json', '{ "type": "module", "devDependencies": { "vitest": "*" } }');
    write('lab/bench/main.ts', "import 'vitest';\n");
    expect(run('cli/node/run.js', command)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'the package vitest is not installed: run "npm ci", without --omit\n',
    });
  });

  it('any other error of the start is shown whole', () => {
    write('cli/main.ts', "import './gone.ts';\n");
    const { code, stderr } = run('cli/bin.js');
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_MODULE_NOT_FOUND');
  });
});

describe('an error of an import', () => {
  const fault = (code: string, message: string) => Object.assign(new Error(message), { code });

  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find package 'echarts' imported from /a/b.ts", 'echarts'],
    ['ERR_MODULE_NOT_FOUND', "Cannot find package '@scope/a.b' imported from /a/b.ts", '@scope/a.b'],
    ['MODULE_NOT_FOUND', "Cannot find module 'serverless/lib/read.js'\nRequire stack:\n- /a", 'serverless'],
    ['MODULE_NOT_FOUND', "Cannot find module '@scope/name/package.json'", '@scope/name'],
  ])('names the package that is missing, and what to do: %s %s', (code, message, name) => {
    const text = `the package ${name} is not installed: run "npm ci", without --omit`;
    expect(missingPackageText(fault(code, message))).toBe(text);
    expect(describeError(fault(code, message))).toBe(text);
  });

  it.each([
    ['ERR_MODULE_NOT_FOUND', "Cannot find module '/house/cli/gone.ts' imported from /house/cli/main.ts"],
    ['ERR_MODULE_NOT_FOUND', "Cannot find module 'C:\\house\\gone.ts' imported from C:\\house\\main.ts"],
    ['MODULE_NOT_FOUND', "Cannot find module './gone.js'"],
    ['ENOENT', "Cannot find package 'echarts'"],
  ])('is no such error: %s %s', (code, message) => {
    expect(missingPackageText(fault(code, message))).toBeUndefined();
  });
});

describe('a child of the launcher', () => {
  it.each([
    ['process.exit(3)', 3],
    ["process.kill(process.pid, 'SIGINT')", 130],
    ["process.kill(process.pid, 'SIGKILL')", 137],
    ["process.kill(process.pid, 'SIGTERM')", 143],
  ])('that ends by %s ends it with %i', (text, code) => {
    write('end.ts', `${text};\nsetInterval(() => {}, 1_000);\n`);
    expect(run('cli/node/run.js', 'end.ts').code).toBe(code);
  });
});
