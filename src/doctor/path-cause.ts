import { judgeNullTest } from '../formats/fence-xvm.ts';
import type { Guest, Lab } from '../spec/lab.ts';
import { withoutAddress } from './addresses.ts';
import { guestBlocks, guestKeepsIn, hostBlocks, portTaken } from './barriers.ts';
import { keyMissingInGuest, keysDiffer } from './keys.ts';
import { type Cause, chaptersAgain } from './probe.ts';
import { noRoute } from './routes.ts';
import { hashesDiffer } from './virtd-difference.ts';
import { again, logSilent } from './virtd.ts';

/** What a null test from one guest showed. */
export interface Tried {
  readonly from: Guest;
  /** stdout and stderr of fence_xvm -ddd. */
  readonly output: string;
  readonly code: number;
  /** What the daemon logged meanwhile; undefined: it does not tell. */
  readonly log: string | undefined;
  /** Whether `fence_xvm -o list` works on dom0 itself; asked only where no request was heard. */
  readonly dom0Lists?: boolean;
  /** Whether dom0 is known to be in the group on the bridge. */
  readonly joined?: boolean;
  /** Whether the rules of dom0 were read, and none of them keeps requests out. */
  readonly open?: boolean;
  /** What passive layers could not decide. */
  readonly suspects?: readonly Cause[];
}

/** Why the path from a guest does not hold; undefined: it does. The texts are those of fence-agents 4.12, agents/virt. */
export function pathCause(lab: Lab, tried: Tried): Cause | undefined {
  const { from, output, code, log } = tried;
  const verdict = judgeNullTest(output, code);
  if (verdict.passed) return log === undefined || log.includes('Request') ? undefined : anotherHost;
  const told = fromClient(lab, tried);
  if (told) return told;
  if (log === undefined) return lab.toolstack === 'xm' ? noAnswer(verdict.says) : logSilent;
  return fromLog(lab, from, log) ?? unheard(lab, tried);
}

/** What the client itself can tell. */
function fromClient(lab: Lab, { from, output, code, log = '' }: Tried): Cause | undefined {
  if (isNotRun(code)) return clientMissing(lab, from, output);
  if (/Invalid key file|trying without authentication/.test(output)) return keyMissingInGuest(lab, from);
  if (/Failed to listen|Address already in use/.test(output)) return portTaken(lab, from.name);
  if (judgeNullTest(output, code).layer === 'guest address') return withoutAddress(from);
  // sendto(2) fails on one address after the other: the one that dom0 knows counts.
  if (new RegExp(`Unable to send packet to \\S+ via ${from.address.replaceAll('.', '\\.')}$`, 'm').test(output))
    return guestKeepsIn(lab, from.name);
  if (isDenied({ stdout: output, code })) return denied(from);
  if (output.includes('TCP Exchange + Authentication done')) return noAnswer(judgeNullTest(output, code).says);
  // The request was signed with the right key, or it had not been answered: so the challenge is of another hash.
  if (
    /Issuing TCP challenge|Invalid response to challenge|Unknown response \(-1\)/.test(output) &&
    !/Key mismatch/.test(log)
  )
    return hashesDiffer(`the challenge between dom0 and ${from.name} fails: they use different hashes`);
  return undefined;
}

/** What the daemon says of a request that it heard. */
function fromLog(lab: Lab, from: Guest, log: string): Cause | undefined {
  const weak = /Hash type not strong enough \((\d+) < (\d+)\)/.exec(log);
  if (weak?.[1] === '0') return keyMissingInGuest(lab, from);
  if (weak) return hashesDiffer(`fence_virtd wants a stronger hash than ${from.name} signs with`);
  if (/Key mismatch; dropping packet|Hash mismatch/.test(log)) return keysDiffer(lab, from);
  if (log.includes('wrong family')) return wrongFamily;
  if (log.includes('Network is unreachable')) return noRoute(lab, from, `dom0 has no route to ${from.address}`);
  // It heard, and nothing came back: it could not connect, or what it sent did not get in.
  if (/Failed to call back|Request/.test(log)) return guestBlocks(lab, from.name);
  return undefined;
}

/** The request was sent, and the daemon heard nothing: does it hear at all? */
function unheard(lab: Lab, { from, dom0Lists, joined, open, suspects = [] }: Tried): Cause {
  if (dom0Lists === false) return deaf(lab);
  const [suspect] = suspects;
  if (suspect) return suspect;
  return joined && !open ? hostBlocks(lab) : lost(lab, from, open);
}

/** fence_virtd's answer to what groups{} forbid: null and monitor are for everybody, so they do not show it. */
export const isDenied = ({ stdout, code }: { readonly stdout: string; readonly code: number }): boolean =>
  code === 3 || stdout.includes('Permission denied');

/** What a shell answers for a program that it does not find, or cannot start. */
export const isNotRun = (code: number): boolean => code === 126 || code === 127;

const clientMissing = ({ cluster }: Lab, { name }: Guest, output: string): Cause => ({
  name: 'fence_xvm-missing',
  says: `fence_xvm cannot be run in ${name}: ${output.trim().split('\n').at(-1)}`,
  cure: {
    says: 'its package is not installed there, or not whole',
    command: cluster.stack === 'cman' ? 'yum reinstall cman' : 'apt-get install --reinstall fence-virt',
    where: name,
  },
});

const deaf = (lab: Lab): Cause => ({
  name: 'fence_virtd-deaf',
  says: 'fence_virtd runs, and does not even answer dom0 itself',
  cure: again(lab),
});

const anotherHost: Cause = {
  name: 'another-host-answers',
  says: 'a guest got its answer, and fence_virtd of this dom0 heard no request: another host answered it',
  cure: {
    says: 'look for a second fence_virtd on this network, or set another fencing.address in lab.yaml',
    command: 'lab fence-test',
  },
};

const noAnswer = (says: string): Cause => ({
  name: 'no-answer',
  says: `the path does not hold: ${says}`,
  cure: { says: 'the test with both transcripts tells more', command: 'lab fence-test' },
});

export const denied = ({ name }: Guest): Cause => ({
  name: 'denied-by-groups',
  says: `fence_virtd refuses ${name}: groups{} in its configuration does not let it fence the other`,
  cure: chaptersAgain('lab writes groups in which all guests are', '7'),
});

const wrongFamily: Cause = {
  name: 'wrong-family',
  number: 10,
  says: 'requests come in another address family than fence_virtd listens to',
  cure: chaptersAgain('write its configuration anew', '7'),
};

const lost = (lab: Lab, { name }: Guest, open = false): Cause => ({
  name: 'request-lost',
  number: 10,
  says:
    `requests of ${name} are lost between it and fence_virtd, which answers dom0` +
    (open ? '; a rule of dom0 that keeps them out was looked for, and there is none' : '') +
    ' (two hops at most, one bridge)',
  cure: {
    says: 'see whether its packets come by',
    command: `tcpdump -ni ${lab.network.bridge} udp port ${lab.fencing.port}`,
    where: 'dom0',
  },
});
