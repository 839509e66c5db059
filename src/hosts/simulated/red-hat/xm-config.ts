import { randomBytes, randomUUID } from 'node:crypto';
import type { XmDomain } from '../state.ts';

export interface XmConfig extends XmDomain {
  readonly name: string;
  readonly memory: number;
  readonly vcpus: number;
  readonly bootloader: string;
  /** As libvirt would have it: what the rest of the world reads. */
  readonly xml: string;
}

/**
 * What xm makes of a domain file. It is Python; assignments of strings, numbers and lists of strings are understood, and
 * anything else is refused, not guessed at.
 * @returns in xm's words why it cannot be read
 */
export function readXmFile(text: string, fallback: string): XmConfig | string {
  const values = assignments(text);
  if (typeof values === 'string') return values;
  const one = (key: string, usual: string) => values.get(key)?.[0] ?? usual;
  const name = one('name', fallback);
  const disks: XmDomain['disks'][number][] = [];
  for (const disk of values.get('disk') ?? []) {
    const [uname = '', dev = '', mode = '', ...more] = disk.split(',');
    if (dev === '' || mode === '' || more.length > 1) return `Error: Invalid disk specifier: ${disk}`;
    if (!/^(r|w!?|r!)$/.test(mode)) return `Error: Invalid mode: ${mode}`;
    disks.push({
      uname,
      path: uname.replace(/^(tap:aio|tap:[a-z0-9]+|file|phy):/, ''),
      dev: dev.replace(/:disk$/, ''),
      mode,
    });
  }
  const cards = (values.get('vif') ?? []).map((vif) => {
    const part = (key: string) => new RegExp(`(?:^|,)\\s*${key}=([^,]*)`).exec(vif)?.[1];
    const random = randomBytes(3).toString('hex').match(/../g)?.join(':') ?? '';
    return { mac: (part('mac') ?? `00:16:3e:${random}`).toLowerCase(), bridge: part('bridge') ?? 'xenbr0' };
  });
  const lifecycle = {
    on_poweroff: one('on_poweroff', 'destroy'),
    on_reboot: one('on_reboot', 'restart'),
    on_crash: one('on_crash', 'restart'),
  };
  const config = {
    name,
    memory: Number(one('memory', '128')),
    vcpus: Number(one('vcpus', '1')),
    bootloader: one('bootloader', ''),
  };
  return {
    ...config,
    disks,
    cards,
    lifecycle,
    xml: xmlOf({ ...config, uuid: one('uuid', randomUUID()) }, disks, cards),
  };
}

export function xmlOf(
  {
    name,
    uuid,
    memory,
    vcpus,
    bootloader,
  }: { name: string; uuid: string; memory: number; vcpus: number; bootloader: string },
  disks: readonly { path: string; dev: string }[],
  cards: XmDomain['cards'],
): string {
  const devices = [
    ...disks.map(({ path, dev }) => `<disk><source file='${path}'/><target dev='${dev}'/></disk>`),
    ...cards.map(({ mac, bridge }) => `<interface><mac address='${mac}'/><source bridge='${bridge}'/></interface>`),
  ];
  return `<domain type='xen'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>${memory}</memory><vcpu>${vcpus}</vcpu><bootloader>${bootloader}</bootloader><devices>${devices.join('')}</devices></domain>`;
}

const token = /\s+|#[^\n]*|\\\n|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[A-Za-z_]\w*|\d+|[[\],=]|./gy;

/** Assignments at top level: the last one of a key wins. */
function assignments(text: string): ReadonlyMap<string, readonly string[]> | string {
  const found = new Map<string, readonly string[]>();
  const words = (text.match(token) ?? []).filter(
    (word) => word.trim() !== '' && !word.startsWith('#') && word !== '\\\n',
  );
  const wrong = (word = '') => `Error: invalid syntax near ${word} (only plain assignments are simulated)`;
  const valueOf = (word: string | undefined) =>
    word === undefined || !/^["'\d]/.test(word) ? undefined : /^["']/.test(word) ? word.slice(1, -1) : word;
  for (let at = 0; at < words.length;) {
    const [key = '', equals, first] = words.slice(at, at + 3);
    if (!/^[A-Za-z_]\w*$/.test(key) || equals !== '=') return wrong(key);
    at += 3;
    if (first !== '[') {
      const value = valueOf(first);
      if (value === undefined) return wrong(first);
      found.set(key, [value]);
      continue;
    }
    const list: string[] = [];
    for (; words[at] !== ']'; at++) {
      if (at >= words.length) return 'Error: unexpected EOF while parsing';
      if (words[at] === ',') continue;
      const value = valueOf(words[at]);
      if (value === undefined) return wrong(words[at]);
      list.push(value);
    }
    at++;
    found.set(key, list);
  }
  return found;
}
