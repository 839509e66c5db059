#!/usr/bin/env zx
// `npm run bench [NAME…]`: ratios, measured side by side in one run. `--runs=7`, `--guests=2,8`, `--no-ansible`, `--json`; see docs/benchmarks.md.
import { argv } from 'zx';
import { clone } from './clone.mjs';
import { within } from './measure.mjs';
import { noop } from './noop.mjs';
import { planning } from './planning.mjs';
import { sandbox } from './sandbox.mjs';
import { dryRun, startUp } from './start-up.mjs';

/** Each makes rows for the table. */
const benches = { 'start-up': startUp, 'dry-run': dryRun, planning, clone, noop, sandbox };

const numbers = (text) => (text === undefined ? undefined : String(text).split(',').map(Number));
// The sandbox takes hours: it has to be named.
const wanted = argv._.length > 0 ? argv._ : Object.keys(benches).filter((name) => name !== 'sandbox');
const unknown = wanted.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) throw new Error(`no benchmark ${unknown}; there are ${Object.keys(benches).join(', ')}`);

const rows = await within(async (directory) => {
  const all = [];
  for (const name of wanted) {
    const options = {
      directory,
      runs: Number(argv.runs ?? 7),
      mebibytes: Number(argv.mebibytes ?? 1024),
      on: argv.on,
      from: argv.from,
      ansible: argv.ansible,
    };
    all.push(...(await benches[name]({ ...options, ...(argv.guests ? { guests: numbers(argv.guests) } : {}) })));
  }
  return all;
});
const rounded = rows.map((row) =>
  Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? Number(value.toFixed(3)) : value]),
  ),
);
if (argv.json) console.log(JSON.stringify(rounded, undefined, 1));
else console.table(rounded);
