import * as z from 'zod';
import { isAddress, isMulticast, parseSubnet, showSubnet } from './addresses.ts';
import { SAID } from './said.ts';
import { MiB, parseSize, SIZE, SIZE_EXPECTED, showSize } from './sizes.ts';

/*
 * The single values of lab.yaml. Every one of them ends up in a file name, an argv or a configuration file on somebody's dom0,
 * so each says what it accepts, never what it refuses. The error of a schema is what is *expected*; findings.ts adds the rest.
 */

const GiB = 1024 ** 3;
const TiB = 1024 ** 4;

function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string({ error: expected }).regex(pattern, { error: expected, abort: true });
}

function whole(least: number, most: number, unit = ''): z.ZodInt {
  const error = `a whole number from ${least} to ${most}${unit}`;
  return z.int({ error, abort: true }).min(least, { error }).max(most, { error });
}

/** Bytes. `why` is shown to whom the range refuses. */
function size(least: number, most: number, why?: string) {
  return text(SIZE, SIZE_EXPECTED)
    .transform((written) => parseSize(written) ?? Number.POSITIVE_INFINITY)
    .refine((bytes) => bytes >= least && bytes <= most, {
      error: `a size from ${showSize(least)} to ${showSize(most)}`,
      abort: true,
      params: { hint: why },
    });
}

export const imageSize = size(GiB, 16 * TiB, SAID.tenGigabytes);
export const diskSize = size(MiB, 16 * TiB);
/** MiB. */
export const memorySize = size(128 * MiB, TiB)
  .refine((bytes) => bytes % MiB === 0, { error: 'whole mebibytes, such as 512M' })
  .transform((bytes) => bytes / MiB);

/** cluster.conf holds at most 16 characters (facts: cluster-conf.md). */
export const clusterName = text(/^[A-Za-z0-9_-]{1,16}$/, 'a text of 1 to 16 of A-Z a-z 0-9 _ -');

/** A machine as `uname -n` names it. */
export const hostName = text(/^[a-z](?:[a-z0-9.-]{0,61}[a-z0-9])?$/, 'a host name, as uname -n says it');

/** rgmanager takes more; a name that is a word everywhere is enough. */
export const serviceName = text(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'a name: letters, digits, _ and -, at most 63');

/** Names under which the dom0 itself is known to the tools, and what lives in /etc/xen beside the domain files. */
const DOM0_NAMES = ['dom0', 'domain-0', 'local', 'localhost'];
const XEN_FILES = ['default', 'auto', 'scripts'];
const NAME_EXPECTED = 'a host name: lower-case letters, digits and -, from a letter to a letter or digit, at most 63';

/** Host, domain, file and node name in one. fence_xvm cuts a domain's name at 63 characters. */
export const guestName = z
  .string()
  .refine((name) => !DOM0_NAMES.includes(name.toLowerCase()), {
    error: 'a name that is not the dom0’s',
    abort: true,
    params: { hint: SAID.neverMix },
  })
  .refine((name) => !XEN_FILES.includes(name.toLowerCase()), {
    error: `a name other than ${XEN_FILES.join(', ')}, which /etc/xen has already`,
    abort: true,
    params: { hint: SAID.fileName },
  })
  .regex(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/, { error: NAME_EXPECTED });

export const diskName = z.string().regex(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
  error: 'a name that can be a file’s: lower-case letters, digits and -, at most 63',
});

/** xvda is the guest's own disk. */
export const device = text(/^xvd[b-z]$/, 'a device from xvdb to xvdz (xvda is the guest’s own disk)');

/** Xen's disk lines have no quoting, and root writes here: hence so few characters. */
const PATH = String.raw`(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,255}){1,16}`;
const PATH_EXPECTED = 'an absolute path of letters, digits, . _ - and /, without . and .. parts';
export const path = text(new RegExp(`^${PATH}$`), PATH_EXPECTED);

const URL = 'https?://[A-Za-z0-9][!-~]{0,2000}';
export const pathOrUrl = text(new RegExp(`^(?:${URL}|${PATH})$`), `an http or https URL, or ${PATH_EXPECTED}`);

export const sha256 = text(/^[0-9a-fA-F]{64}$/, 'a SHA-256 of 64 hex digits').transform((digits) =>
  digits.toLowerCase(),
);

/** One argument of virt-install's --extra-args: it becomes part of a kernel command line. */
export const kernelArgument = text(/^[!-~]{1,1000}$/, 'printable characters without spaces');

/** WHERE of the command line: `local`, `sandbox`, `ssh://[user@]host[:port]`, `simulated:DIR`. A host never begins with a -. */
export const where = text(
  /^(?:local|sandbox|simulated:[^\p{C}]{1,1000}|ssh:\/\/(?:[A-Za-z_][\w.-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?)$/u,
  'local, sandbox, ssh://[user@]host[:port] or simulated:DIR',
);

const BRIDGE_EXPECTED = 'the name of a bridge: letters, digits, . _ and -, from a letter, at most 15';
/** Linux gives an interface's name 15 characters. */
export const bridge = z
  .string({ error: BRIDGE_EXPECTED })
  .refine((name) => /^[A-Za-z][A-Za-z0-9._-]{0,14}$/.test(name), {
    error: BRIDGE_EXPECTED,
    params: { hint: SAID.bridged },
  });

export const address = z
  .string({ error: 'an IPv4 address' })
  .refine(isAddress, { error: 'an IPv4 address such as 192.168.77.11' })
  .meta({ format: 'ipv4' });

const SUBNET_EXPECTED = 'an IPv4 subnet such as 192.168.77.0/24, of a prefix from 8 to 30';
/** As the number of its network, with the prefix. */
export const subnet = z.string({ error: SUBNET_EXPECTED }).transform((written, context) => {
  const found = parseSubnet(written);
  if (found && showSubnet(found) === written) return found;
  const hint = found && `did you mean ${showSubnet(found)}?`;
  context.addIssue({ code: 'custom', message: SUBNET_EXPECTED, params: { hint } });
  return z.NEVER;
});

export const multicast = z
  .string({ error: 'an IPv4 multicast address' })
  .refine(isMulticast, { error: 'an IPv4 multicast address (224.0.0.0 to 239.255.255.255)' })
  .meta({ format: 'ipv4' });

/** Unicast: the lowest bit of the first byte is clear. */
export const mac = text(
  /^[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}$/,
  'a unicast MAC such as "00:16:3e:00:cf:fd" (the second digit even)',
).transform((written) => written.toLowerCase());

export const uuid = text(
  /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  'a uuid such as 8d1a8210-69de-4c55-8cf8-deb2356fc7b2',
).transform((written) => written.toLowerCase());

export const port = whole(1, 65535);
export const nodeId = whole(1, 255);
/** cluster.conf(5): a positive integer. */
export const configVersion = whole(1, 1_000_000);
export const vcpus = whole(1, 32);
/** Below a second, a busy dom0 alone makes its guests fence each other. */
export const token = whole(1000, 300_000, ' milliseconds');
