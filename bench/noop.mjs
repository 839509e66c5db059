// A run that changes nothing, through real ssh: `lab up` against the bare script that does the same looks, and Ansible; cold,
// and again within a minute, over connections that stand.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { build, has, inTurn, row, run, sh } from './measure.mjs';
import { playbook } from './playbook.mjs';
import { serve } from './ssh-world.mjs';

const self = fileURLToPath(import.meta.url);

/** 2, 8 and 32 guests. @returns rows */
export function noop({ directory, runs, guests = [2, 8, 32], ansible = true }) {
  if (process.getuid() !== 0 || !has('/usr/sbin/sshd')) {
    console.error('noop: left out: it needs root, and openssh-server');
    return [];
  }
  const built = build(directory);
  return guests.flatMap((count) => {
    const scratch = join(directory, `noop-${count}`);
    const [file, world] = [join(scratch, 'lab.yaml'), join(scratch, 'world')];
    mkdirSync(scratch);
    const each = Array.from({ length: count }, (_, n) => `  g${n + 1}: { memory: 128M }\n`).join('');
    writeFileSync(file, `name: many\nguests:\n${each}`);
    const place = ['--file', file, '--host', `simulated:${world}`];
    sh('node', built.lab, 'up', '--yes', ...place);
    writeFileSync(join(scratch, 'recorded.json'), sh('node', built.record, file, world));
    const inside = [self, built.lab, scratch, String(runs), String(ansible)];
    const spaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const rows = execFileSync('unshare', [...spaces, process.execPath, ...inside], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(rows);
  });
}

/** Inside the namespaces. */
async function measure(lab, scratch, runs, ansible) {
  const recorded = JSON.parse(readFileSync(join(scratch, 'recorded.json'), 'utf8'));
  const guests = Object.keys(recorded.addresses).length;
  const mounted = join(scratch, 'hosts');
  mkdirSync(mounted);
  const addresses = await serve(mounted, join(scratch, 'world'), recorded);
  const where = `ssh://root@${recorded.dom0}`;
  process.env.XDG_STATE_HOME = join(scratch, 'state');
  const journal = join(process.env.XDG_STATE_HOME, 'lab', recorded.lab);
  mkdirSync(journal, { recursive: true });
  copyFileSync(join(scratch, 'world/journal.jsonl'), join(journal, `${encodeURIComponent(where)}.jsonl`));
  const up = ['node', lab, 'up', '--file', join(scratch, 'lab.yaml'), '--host', where];
  const { stdout, stderr } = spawnSync(up[0], [...up.slice(1), '--json', '--trace'], { encoding: 'utf8' });
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) || '{}');
  const trips = [...stderr.matchAll(/ (\d+)(?=,|$)/gm)].map(([, count]) => Number(count));
  if (summary.event !== 'summary' || summary.changed + summary.later + summary.failed > 0 || trips.length === 0)
    throw new Error(`it was no run that changes nothing:\n${stdout}\n${stderr}`);
  const looksOf = (name) => join(scratch, `${name}.sh`);
  for (const name of Object.keys(addresses))
    writeFileSync(looksOf(name), `${recorded.hosts[name].looks.map((look) => `( ${look} )`).join('\n')}\ntrue\n`);
  // With `warm`, over connections that stand already.
  const script = (warm = '') =>
    Object.entries(addresses)
      .map(([name, at]) => `ssh ${warm} -o BatchMode=yes root@${at} sh -s < ${looksOf(name)} > /dev/null 2>&1 & `)
      .join('');
  const kept = `-S ${scratch}/%n`;
  for (const at of Object.values(addresses))
    sh(
      'sh',
      '-c',
      `ssh ${kept} -o BatchMode=yes -o ControlMaster=yes -o ControlPersist=yes root@${at} true > /dev/null 2>&1`,
    );
  const tasks = {
    'lab up': async () => {
      sh('node', lab, 'disconnect', ...up.slice(3));
      return run(up);
    },
    'ssh, cold': () => run(['sh', '-c', `${script()} wait`]),
    'lab up, again': () => run(up),
    'ssh, warm': () => run(['sh', '-c', `${script(kept)} wait`]),
  };
  const play = ansible && has('ansible-playbook') && playbook(scratch, recorded);
  let sockets = 0;
  if (play) {
    tasks['ansible-playbook'] = () => run(play(`${scratch}/cp${++sockets}`), { cwd: scratch });
    tasks['ansible-playbook, again'] = () => run(play(`${scratch}/cp${sockets}`), { cwd: scratch });
  }
  const results = await inTurn(tasks, runs);
  const bench = `noop, ${guests} guests, ${Object.values(recorded.hosts).flatMap(({ looks }) => looks).length} looks`;
  const goal = guests >= 32 ? '≤ 1/30' : '≤ 1/15';
  return [
    { ...row(bench, 'lab up', results, 'ssh, cold', '≤ 1.5 and 0.2 s of start-up'), 'round trips': Math.max(...trips) },
    row(bench, 'ssh, cold', results),
    row(bench, 'lab up, again', results, 'ssh, warm', '≤ 1.5 and start-up'),
    row(bench, 'ssh, warm', results),
    ...(play
      ? [
          row(bench, 'lab up', results, 'ansible-playbook', goal),
          row(bench, 'ansible-playbook', results),
          row(bench, 'lab up, again', results, 'ansible-playbook, again', goal),
          row(bench, 'ansible-playbook, again', results),
        ]
      : []),
  ];
}

if (process.argv[1] === self) {
  const [lab, scratch, runs, ansible] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await measure(lab, scratch, Number(runs), ansible === 'true')));
}
