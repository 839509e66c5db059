import { stringify } from 'yaml';

/** What `lab init` asks. As people type it: readLab judges it. */
export interface Answers {
  readonly name: string;
  /** In the order of node ids, MACs and addresses. */
  readonly guests: readonly string[];
  /** Of every guest, e.g. `512M`. */
  readonly memory: string;
  /** e.g. `192.168.77.0/24`. */
  readonly subnet: string;
  /** WHERE; left open if it is not given. */
  readonly host?: string;
}

/** The document's lab. */
export const DEFAULT_ANSWERS: Answers = {
  name: 'lolcats',
  guests: ['molly', 'frederick'],
  memory: '512M',
  subnet: '192.168.77.0/24',
};

/** The commented lab.yaml of these answers. Whatever they are, readLab finds in it exactly them, and complains about bad ones. */
export function labYaml({ name, guests, memory, subnet, host }: Answers): string {
  const guestLines = guests.map((guest) => `  ${word(guest)}: { memory: ${word(memory)}, vcpus: 1 }\n`).join('');
  return `# A virtual-machine cluster on one Xen dom0. Only guests is needed: everything else is shown with its default,
# and \`lab schema\` describes it. Sizes are in K, M, G or T, counted in 1024s.

name: ${word(name)} # of the cluster: at most 16 of A-Z a-z 0-9 _ -, and no other host's
${host === undefined ? '# host: sandbox' : `host: ${word(host)}`} # local | sandbox | ssh://[user@]host[:port] | simulated:DIR
toolstack: libvirt # libvirt | xm (the document's)

# Their order decides node ids, MACs and addresses of new ones; a guest that is there keeps its own, wherever it stands.
# One that is taken out here is removed by the next lab up, which asks first.
# A guest may also have its address: molly: {memory: 512M, vcpus: 1, address: 192.168.77.11}
guests:${guests.length === 0 ? ' {}' : ''}
${guestLines}
# The image that the guests are clones of. Instead of {debian: bookworm}:
#   {copy: /path/or/https-url, sha256: …} | {virtInstall: {location: https-url, extraArgs: [ks=…]}} | none (it exists)
image: { path: /guests/default.img, size: 10G, install: { debian: bookworm } }

# Disks that all guests write; {} for none.
disks:
  quorum: { size: 10M, device: xvdb }
  shared: { size: 10G, device: xvdc }

# The subnet's first address is dom0's. The MAC is the default image's: the guests count up from it.
network: { bridge: xenbr0, subnet: ${word(subnet)}, mac: "00:16:3e:00:cf:fd" }

# How guests ask dom0 to fence one another: key file, multicast address, port.
fencing: { key: /etc/cluster/fence_xvm.key, address: 225.0.0.12, port: 1229 }

# stack: pacemaker | cman (the document's). token: milliseconds until a silent node counts as dead.
# tieBreaker: none | quorum-disk (disks.quorum decides between two halves; for an even number of guests).
cluster: { stack: pacemaker, token: 21000, tieBreaker: none }

# A GFS2 on one of the disks, mounted by all guests; none leaves the disk alone.
storage: { disk: shared, directory: /shared }

annotate: false # keep the old lines of a domain file as comments, as the document does
`;
}

/** A text as YAML reads it back: bare where that is safe also inside { }, else quoted. */
function word(text: string): string {
  return /^[\w/][\w./-]*$/.test(text) ? stringify(text).trimEnd() : JSON.stringify(text);
}
