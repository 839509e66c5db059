import { findingsOf } from '../../src/cli/diagnosis.ts';
import { diagnose, type Finding } from '../../src/doctor/index.ts';
import type { Host, Hosts } from '../../src/model/host.ts';
import type { Lab } from '../../src/spec/lab.ts';
import { lab as debianLab, type TestWorld } from '../simulated/world.ts';

/** What a host says instead of the simulation: a command line (its beginning) to stdout, or a path to a file's text. */
export interface Stage {
  readonly says?: Readonly<
    Record<string, string | { readonly code: number; readonly stdout?: string; readonly stderr?: string }>
  >;
  readonly files?: Readonly<Record<string, string>>;
}

/** Hosts of a simulated world in which some answers are staged: for what the simulation does not know. */
function staged(hosts: Hosts, stage: Readonly<Record<string, Stage>>): Hosts {
  const stand = (name: string): Host => {
    const host = hosts.host(name);
    const { says = {}, files = {} } = stage[name] ?? {};
    const answer = (argv: readonly string[]) =>
      Object.entries(says).find(([line]) => argv.join(' ').startsWith(line))?.[1];
    return new Proxy(host, {
      get(target, property) {
        if (property === 'read' || property === 'run') {
          return async (argv: Parameters<Host['run']>[0], options = {}) => {
            const said = answer(argv);
            if (typeof said === 'string') return { argv, code: 0, stdout: said, stderr: '' };
            if (said) return { argv, stdout: '', stderr: '', ...said };
            return property === 'read' ? target.read(argv) : target.run(argv, options);
          };
        }
        if (property === 'readFile') {
          return async (path: string) =>
            files[path] === undefined ? target.readFile(path) : Buffer.from(files[path] ?? '');
        }
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return { host: stand, warm: () => {} } as unknown as Hosts;
}

/** What `lab doctor` finds. */
export async function doctor(
  { hosts }: Pick<TestWorld, 'hosts'>,
  stage: Readonly<Record<string, Stage>> = {},
  lab: Lab = debianLab,
) {
  const findings = await findingsOf({ lab, hosts: staged(hosts as unknown as Hosts, stage) });
  const diagnosis = diagnose(findings);
  return { findings, diagnosis, cause: diagnosis.cause?.name, number: diagnosis.cause?.number };
}

export const stateOf = (findings: readonly Finding[], layer: string) =>
  findings.find((finding) => finding.layer === layer)?.state;

/** Layers in words, for the message of a test that fails. */
export const told = (findings: readonly Finding[]) =>
  findings.map(({ layer, state, saw }) => `${state} ${layer}: ${saw}`).join('\n');

/** /proc/net/igmp of a dom0 that is in 225.0.0.12 on a device. */
export const igmp = (device: string) => `Idx	Device    : Count Querier	Group    Users Timer	Reporter
1	lo        :     1      V3
				010000E0     1 0:00000000		0
3	${device.padEnd(10)}:     2      V3
				0C0000E1     1 0:00000000		0
				010000E0     1 0:00000000		0
`;
