// What package-lock.json holds: all that an install brings, by hash, for every platform, from any registry.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { NODE_PACKAGES } from '../../cli/node/node-24.js';

const ROOT = new URL('../../', import.meta.url);
const PACKAGE = z.looseObject({
  version: z.optional(z.string()),
  integrity: z.optional(z.string()),
  resolved: z.optional(z.string()),
  link: z.optional(z.boolean()),
  inBundle: z.optional(z.boolean()),
  optional: z.optional(z.boolean()),
  hasInstallScript: z.optional(z.boolean()),
  os: z.optional(z.union([z.string(), z.array(z.string())])),
  cpu: z.optional(z.union([z.string(), z.array(z.string())])),
  engines: z.optional(z.record(z.string(), z.string())),
  optionalDependencies: z.optional(z.record(z.string(), z.string())),
});
const LOCK = z.looseObject({ packages: z.record(z.string(), PACKAGE) });

const read = (file: string) => readFileSync(new URL(file, ROOT), 'utf8');
const { packages } = LOCK.parse(JSON.parse(read('package-lock.json')));
const installed = Object.entries(packages).filter(([place]) => place.includes('node_modules/'));

describe('the lock', () => {
  it('holds the hash of every package that comes from a registry', () => {
    const unhashed = installed.filter(
      ([, { integrity, link, inBundle }]) => !(link || inBundle || integrity?.startsWith('sha512-')),
    );
    expect(unhashed.map(([place]) => place)).toEqual([]);
  });

  it('names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "[a-z+]+:/);
  });

  it('is not gone around by an install script: none runs', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const { allowScripts } = z
      .looseObject({ allowScripts: z.record(z.string(), z.boolean()) })
      .parse(JSON.parse(read('package.json')));
    const withScript = installed.filter(
      ([, { hasInstallScript, optional }]) => hasInstallScript && !optional,
    );
    expect(withScript.map(([place]) => allowScripts[place.replace(/^.*node_modules\//, '')])).toEqual(
      withScript.map(() => false),
    );
    expect(Object.values(allowScripts)).not.toContain(true);
  });
});

describe('the Node of the lock', () => {
  const wrappers = ['cli/node/linux', 'cli/node/macos-windows'];
  const wanted = Object.assign({}, ...wrappers.map((folder) => packages[folder]?.optionalDependencies));

  it('is there for each platform that the launcher knows, once, at a version of Lambda’s line', () => {
    expect(Object.keys(wanted).sort()).toEqual(Object.values(NODE_PACKAGES).sort());
    for (const [platform, name] of Object.entries(NODE_PACKAGES)) {
      const locked = packages[`node_modules/${name}`];
      expect(locked).toMatchObject({ version: wanted[name], optional: true, integrity: expect.any(String) });
      expect(locked?.version).toMatch(/^24\./);
      expect(`${locked?.os}-${locked?.cpu}`).toBe(platform);
    }
  });

  it.each(wrappers)('of %s is left out where the caller has Node 24 already', (folder) => {
    const { engines, optionalDependencies } = PACKAGE.parse(JSON.parse(read(`${folder}/package.json`)));
    expect(engines).toEqual({ node: '<24' });
    expect(packages[folder]).toMatchObject({ optional: true, engines, optionalDependencies });
  });
});

describe('what continuous integration runs', () => {
  const workflows = readdirSync(new URL('.github/workflows/', ROOT));

  it.each(workflows)('%s names each action by its commit, with the version beside it', (file) => {
    const uses = read(`.github/workflows/${file}`).match(/^.*\buses: (?!\.\/).*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('installs on the oldest Node that README.md asks for, and lets no package ask for another', () => {
    const [, oldest] = /Nothing but Node \((\d+\.\d+) or later/.exec(read('README.md')) ?? [];
    const workflow = read('.github/workflows/check.yml');
    expect(workflow).toContain(`node: ${oldest}.0\n`);
    expect(workflow.match(/npm ci.*/g)).toEqual(['npm ci --engine-strict']);
  });
});
