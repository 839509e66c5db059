#!/usr/bin/env zx
// `npm run bench [NAME]`: ratios, measured side by side in one run. A pair is run in turn, A B A B …, so that a machine whose
// speed drifts drifts for both.
import { $, argv, fs, os } from 'zx';

const runs = Number(argv.runs ?? 7);
const world = await fs.mkdtemp(`${os.tmpdir()}/lab-bench-`);
const lab = 'dist/lab.js';
const simulated = ['--host', `simulated:${world}/world`];

/** Each benchmark: what is timed, and what it is held against. */
const pairs = {
  version: [
    ['node', lab, '--version'],
    ['node', '-e', '0'],
  ],
  help: [
    ['node', lab, '--help'],
    ['node', '-e', '0'],
  ],
  status: [
    ['node', lab, 'status', ...simulated],
    ['node', '-e', '0'],
  ],
  noop: [
    ['node', lab, 'up', ...simulated],
    ['node', lab, 'status', ...simulated],
  ],
  dryrun: [
    ['node', lab, 'up', '--dry-run', '--host', `simulated:${world}/fresh`],
    ['node', lab, 'up', ...simulated],
  ],
};

async function seconds(command) {
  const began = performance.now();
  await $({ quiet: true })`${command}`;
  return (performance.now() - began) / 1000;
}

const middle = (numbers) =>
  numbers.toSorted?.((a, b) => a - b)[numbers.length >> 1] ?? [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

try {
  await $({ quiet: true })`${['node', lab, 'up', ...simulated]}`;
  const wanted = argv._.length > 0 ? argv._ : Object.keys(pairs);
  const rows = [];
  for (const name of wanted) {
    const [ours, against] = pairs[name] ?? [];
    if (!ours) throw new Error(`no benchmark ${name}; there are ${Object.keys(pairs).join(', ')}`);
    const [a, b] = [[], []];
    for (let run = -1; run < runs; run++) {
      const pair = [await seconds(ours), await seconds(against)];
      if (run < 0) continue; // the first warms up
      a.push(pair[0]);
      b.push(pair[1]);
    }
    const ratios = a.map((time, n) => time / b[n]);
    rows.push({
      name,
      seconds: middle(a),
      against: middle(b),
      ratio: middle(ratios),
      min: Math.min(...ratios),
      max: Math.max(...ratios),
    });
  }
  const round = (row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? Number(value.toFixed(3)) : value]),
    );
  if (argv.json) console.log(JSON.stringify(rows.map(round)));
  else console.table(rows.map(round));
} finally {
  await fs.remove(world);
}
