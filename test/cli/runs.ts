import { command, file } from '../../src/model/change.ts';
import type { Event, NodeInfo, StepEvent } from '../../src/model/event.ts';

/* Runs as the engine tells them. */

export function node(chapter: string, name: string, title: string, host = 'dom0'): NodeInfo {
  return { id: `${chapter}.${name}`, chapter, title, host };
}

const begin = ['dom0', 'packages', 'bridge', 'budget'].map((name) => node('0', name, `Have ${name}`));
export const clone = node('4', 'clone-molly', 'Clone the image for molly');
export const edit = node('4', 'domain-file-molly', 'Edit /etc/xen/molly');
export const key = node('4', 'key', 'Make the fencing key');
export const boot = node('6', 'boot-molly', 'Start molly');
export const other = node('6', 'boot-frederick', 'Start frederick');
export const verify = node('6', 'verify-molly', 'Check that molly is who it should be', 'molly');
const host = ['conf', 'unit', 'service', 'list'].map((name) => node('7', name, `Have ${name}`));

export const chapters = [
  { id: '0', title: 'Before you begin', nodes: begin },
  { id: '4', title: 'The guests', nodes: [clone, edit, key] },
  { id: '6', title: 'Boot', nodes: [boot, other, verify] },
  { id: '7', title: 'The fencing host', nodes: host },
];

export function outline(dryRun = false, all = chapters): Event {
  const outlined = all.map((chapter) => ({
    ...chapter,
    nodes: chapter.nodes.map((node) => ({ ...node, after: [] })),
  }));
  return { event: 'outline', lab: 'lolcats', where: 'sandbox', dryRun, chapters: outlined };
}

export function step(of: NodeInfo, verdict: StepEvent['verdict'], more: Partial<StepEvent> = {}): Event {
  return { event: 'step', ...of, verdict, changes: [], ms: 3, ...more };
}

export const SECRET = 'correct horse battery staple';

export const plan: readonly Event[] = [
  outline(true),
  ...begin.map((of) => step(of, 'met')),
  step(clone, 'change', {
    changes: [
      command(['cp', '--reflink=auto', '/guests/default.img', "/guests/molly's.img"], {
        why: 'clone',
        destroys: 'the old image',
      }),
      command(['sh', '-s'], { input: 'set -e\necho "hi"\n' }),
    ],
  }),
  step(edit, 'change', {
    changes: [
      file('/etc/xen/molly', 0o644, 'name = "molly"\nx = 1\n', Buffer.from('name = "Default"\nx = 1\n')),
      file('/etc/new', 0o600, 'a\n\x1b[31mb\x07\n'),
    ],
  }),
  step(key, 'change', { changes: [{ ...file('/etc/cluster/fence_xvm.key', 0o600, SECRET), secret: true }] }),
  step(boot, 'later', {
    waitsFor: '4.clone-molly',
    changes: [{ is: 'act', says: 'wait for molly to boot', act: async () => {} }],
  }),
  step(other, 'later', { waitsFor: '4.clone-molly' }),
  step(verify, 'later', { waitsFor: '6.boot-molly' }),
  ...host.map((of) => step(of, 'met')),
  { event: 'summary', met: 8, changed: 3, later: 3, failed: 0 },
];

export const failure: readonly Event[] = [
  outline(),
  ...begin.flatMap((of): Event[] => [{ event: 'started', ...of }, step(of, 'met')]),
  { event: 'started', ...clone },
  { event: 'started', ...boot },
  { event: 'doing', id: boot.id, says: 'waiting, 3 s of 60 s: no answer to ARP' },
  step(clone, 'change', { ms: 12_345 }),
  { event: 'started', ...edit },
  step(edit, 'change', { ms: 1234 }),
  { event: 'started', ...key },
  step(key, 'met'),
  { event: 'started', ...other },
  step(boot, 'failed', {
    ms: 63_000,
    failure: {
      name: 'CommandFailed',
      message:
        'on dom0: `virsh start molly` ended with exit code 1\n    error: \x1b[31mno memory\x1b[0m\r\n    \x07last words',
      hint: 'free some memory',
      detail: ['console: Kernel panic', 'console: not syncing'],
    },
  }),
  step(other, 'change', { ms: 200 }),
  step(verify, 'later', { ms: 0 }),
  ...host.map((of) => step(of, 'later', { ms: 0 })),
  { event: 'summary', met: 5, changed: 3, later: 5, failed: 1 },
];

/** Every step of `all` with the same verdict. */
export function uniform(verdict: 'met' | 'change', all = chapters): readonly Event[] {
  const nodes = all.flatMap((chapter) => chapter.nodes);
  const counts = { met: 0, changed: 0, later: 0, failed: 0 };
  return [
    outline(false, all),
    ...nodes.flatMap((of): Event[] => [{ event: 'started', ...of }, step(of, verdict)]),
    { event: 'summary', ...counts, [verdict === 'met' ? 'met' : 'changed']: nodes.length },
  ];
}
