/** A line of `fence_xvm -o list`: `%-32s UUID on|off` (fence-agents, agents/virt/client). */
export interface ListedDomain {
  readonly name: string;
  readonly uuid: string;
  readonly on: boolean;
}

export function readFenceList(stdout: string): readonly ListedDomain[] {
  return stdout.split('\n').flatMap((line) => {
    const found = /^(\S+)\s+([0-9a-f-]{36})\s+(on|off)\s*$/.exec(line);
    return found ? [{ name: found[1] as string, uuid: found[2] as string, on: found[3] === 'on' }] : [];
  });
}

/** What the null test shows: the layers of the path in the order in which a request takes them. */
export interface NullTest {
  readonly passed: boolean;
  /** The first layer that did not hold. */
  readonly layer?:
    'key in the guest' | 'guest address' | 'request to dom0' | 'call back to the guest' | 'challenge' | 'answer';
  readonly says: string;
}

/**
 * Judges `fence_xvm -H DOMAIN -ddd -o null` by what it printed. Its exit code 1 is the pass and most of the failures;
 * the proof is that the exchange was authenticated, that an answer was waited for, and that the answer was the refusal that
 * fence_virtd gives to a null operation.
 * @param output stdout and stderr together
 */
export function judgeNullTest(output: string, code: number): NullTest {
  const has = (text: string) => output.includes(text);
  const fail = (layer: NonNullable<NullTest['layer']>, says: string): NullTest => ({ passed: false, layer, says });
  if (/Invalid key file|Could not read .*trying without authentication/.test(output)) {
    return fail('key in the guest', 'the guest cannot read its fencing key');
  }
  const sent = [...output.matchAll(/Sending to \S+ via (\S+)/g)].map((match) => match[1]);
  if (has('Address already in use'))
    return fail('call back to the guest', 'TCP port 1229 of the guest is taken by another program');
  if (sent.length > 0 && sent.every((via) => via?.startsWith('127.'))) {
    return fail('guest address', 'the guest has no address but the loopback one, so nothing left it');
  }
  if (!has('Issuing TCP challenge')) {
    if (has('Timed out waiting for response'))
      return fail('request to dom0', 'dom0 did not call back within the time-out');
    const last = output.trimEnd().split('\n').at(-1);
    return fail('request to dom0', `fence_xvm ended before dom0 called back, with exit code ${code}: ${last}`);
  }
  if (!has('TCP Exchange + Authentication done')) {
    return fail(
      'challenge',
      has('Invalid response to challenge') || has('mismatch')
        ? 'the keys of guest and dom0 differ'
        : 'dom0 called back, and was not authenticated',
    );
  }
  if (!has('Waiting for return value from XVM host')) return fail('answer', 'the exchange ended before an answer came');
  if (has('Permission denied')) return fail('answer', 'dom0 refuses this guest (groups{} in fence_virt.conf)');
  if (code === 1 && has('Operation failed'))
    return { passed: true, says: 'the whole path holds: request, challenge, answer' };
  return fail('answer', `the null operation must be refused by dom0 with "Operation failed"; exit code ${code}`);
}
