// Installs the pages' libraries (exact versions, package-lock.json) and copies what is served into wwwroot/lib.
// Run by the build when the lock file changes; two builds at once take turns on a lock directory.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const at = (...parts) => join(here, ...parts);
const served = {
  'htmx.min.js': 'htmx.org/dist/htmx.min.js',
  'hx-sse.min.js': 'htmx.org/dist/ext/hx-sse.min.js',
  'tabler.min.css': '@tabler/core/dist/css/tabler.min.css',
  'uplot.min.js': 'uplot/dist/uPlot.iife.min.js',
  'uplot.min.css': 'uplot/dist/uPlot.min.css',
};

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`error : Signet's web pages need Node.js 20 or newer to build; this is ${process.version}. See https://nodejs.org/`);
  process.exit(1);
}

const inputs = ['package.json', 'package-lock.json', 'assets.mjs'].map(name => readFileSync(at(name)));
const fingerprint = createHash('sha256').update(Buffer.concat(inputs)).digest('hex');
const stamp = at('wwwroot', 'lib', '.stamp');
const upToDate = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint && existsSync(at('node_modules', 'axe-core'));

const lock = at('node_modules.lock');
const abandonedAfter = 5 * 60_000; // a killed build leaves its lock behind; npm ci takes seconds
for (;;) {
  try {
    mkdirSync(lock);
    break;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    try {
      if (Date.now() - statSync(lock).mtimeMs > abandonedAfter) rmSync(lock, { recursive: true, force: true });
    } catch { /* the other build has just released it */ }
    await new Promise(wake => setTimeout(wake, 200));
  }
}

try {
  if (!upToDate()) {
    const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], { cwd: here, encoding: 'utf8', shell: process.platform === 'win32' });
    if (npm.error || npm.status !== 0) {
      const why = npm.error ? 'npm is missing: install Node.js 20 or newer, which brings it' : `npm ci failed: ${npm.stderr.trim().split('\n')[0]}`;
      console.error(`error : ${why}`);
      process.exitCode = 1;
    } else {
      const staging = at('node_modules', '.served');
      rmSync(staging, { recursive: true, force: true });
      mkdirSync(staging, { recursive: true });
      for (const [name, source] of Object.entries(served)) cpSync(at('node_modules', source), join(staging, name));
      mkdirSync(at('wwwroot', 'lib'), { recursive: true });
      for (const name of Object.keys(served)) renameSync(join(staging, name), at('wwwroot', 'lib', name));
      writeFileSync(stamp, fingerprint);
    }
  } else {
    writeFileSync(stamp, fingerprint); // a fresh time stamp lets the build skip this step
  }
} finally {
  rmSync(lock, { recursive: true, force: true });
}
