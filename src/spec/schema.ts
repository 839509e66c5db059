import * as z from 'zod';
import type { Install } from './lab.ts';
import * as is from './values.ts';
import { listed } from './words.ts';

/*
 * The shape of lab.yaml. Mappings are strict: a misspelt key is an error, not a silent default. What needs more than one value
 * to judge is in rules.ts. Defaults are the document's lab (in today's software).
 */

// A schema that is used once is not worth being compiled.
z.config({ jitless: true });

/** A mapping whose keys are all optional; `network:` with nothing behind it means its defaults. */
function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((written) => written ?? {}, z.strictObject(shape));
}

function oneOf<const Names extends readonly string[]>(...names: Names) {
  return z.enum(names);
}

/** xl is a toolstack, and none for this: facts of fencing.md and xen.md. */
export const NOT_XL =
  'xl alone will not do: fence_virtd cannot see guests that xl made, and xl refuses the w! of shared disks; libvirt runs on such a dom0';

const guest = section({
  memory: is.memorySize.prefault('512M').describe('Memory of the guest, at least 128M.'),
  vcpus: is.vcpus.default(1).describe('Virtual processors.'),
  address: is.address
    .optional()
    .describe('Its address in the subnet. Default: the next free one from the eleventh up.'),
  uuid: is.uuid.optional().describe('Of its domain. Default: worked out from the names of lab and guest.'),
  nodeId: is.nodeId.optional().describe('In the cluster. Default: its place among the guests.'),
});

const WAYS = ['debian', 'copy', 'virtInstall'] as const;

const installed = z.strictObject({
  debian: oneOf('bookworm').optional().describe('Build the image with mmdebstrap, of this release.'),
  copy: is.pathOrUrl.optional().describe('Take a finished image from here; needs sha256.'),
  sha256: is.sha256.optional().describe('What copy must hash to.'),
  virtInstall: z
    .strictObject({
      location: is.pathOrUrl.describe('An installation tree, as for virt-install --location.'),
      extraArgs: z
        .array(is.kernelArgument, { error: 'a list of arguments' })
        .default([])
        .describe('Arguments of the installer’s kernel.'),
    })
    .optional()
    .describe('Run the distribution’s installer, unattended.'),
});

const install = z
  .union([z.literal('none'), installed.meta({ oneOf: WAYS.map((way) => ({ required: [way] })) })], {
    error: `none, or a mapping with one of ${listed(WAYS)}`,
  })
  .transform((written, context): Install => {
    if (written === 'none') return { by: 'none' };
    const given = WAYS.filter((way) => written[way] !== undefined);
    const { debian, copy, sha256, virtInstall } = written;
    // An unknown key has been reported already, and is what the missing one was meant to be.
    if (context.issues.length > 0) return z.NEVER;
    const refuse = (found: string, message: string) => {
      context.addIssue({ code: 'custom', message, params: { found } });
      return z.NEVER;
    };
    if (given.length !== 1) return refuse(given.join(' and ') || 'none of them', `exactly one of ${listed(WAYS)}`);
    if (copy !== undefined) {
      if (sha256 === undefined) return refuse('copy alone', 'a sha256 beside it, which proves that the copy is whole');
      return { by: 'copy', from: copy, sha256 };
    }
    if (sha256 !== undefined) return refuse('sha256 without copy', 'it beside copy only');
    if (virtInstall !== undefined) return { by: 'virtInstall', ...virtInstall };
    return debian === undefined ? z.NEVER : { by: 'debian', suite: debian };
  });

const image = section({
  path: is.path.default('/guests/default.img').describe('On dom0. The guests’ images go beside it.'),
  size: is.imageSize.prefault('10G').describe('Sparse: what is not written takes no space.'),
  uuid: is.uuid
    .optional()
    .describe('Of the domain Default, which is never booted. Default: worked out from the lab’s name.'),
  install: install.prefault({ debian: 'bookworm' }).describe('How the default image comes to be; none: it exists.'),
});

const disk = section({
  size: is.diskSize.optional().describe('Default: 10M for quorum, 10G for shared; others need it.'),
  device: is.device.optional().describe('In the guests. Default: the next free one from xvdb up.'),
});

const network = section({
  bridge: is.bridge.default('xenbr0').describe('The dom0’s bridge that the guests are on.'),
  subnet: is.subnet.prefault('192.168.77.0/24').describe('Its first address is dom0’s.'),
  mac: is.mac.prefault('00:16:3e:00:cf:fd').describe('Of the default image; the guests count up from it.'),
});

const fencing = section({
  key: is.path.default('/etc/cluster/fence_xvm.key').describe('The fencing key, on dom0 and in the guests.'),
  address: is.multicast.default('225.0.0.12').describe('Where the guests send their requests (multicast).'),
  port: is.port.default(1229).describe('Its port: UDP to the dom0, TCP back to the guest.'),
});

const SERVICES_EXPECTED = 'services, such as {test: {autostart: false}}';

const cluster = section({
  stack: oneOf('pacemaker', 'cman').default('pacemaker').describe('pacemaker: today’s. cman: the document’s.'),
  token: is.token.default(21000).describe('Milliseconds without a token before a node counts as dead.'),
  tieBreaker: oneOf('none', 'quorum-disk')
    .default('none')
    .describe('What decides between two halves. quorum-disk: disks.quorum, by qdiskd (cman) or sbd (pacemaker).'),
  configVersion: is.configVersion
    .optional()
    .describe('cman: config_version of the first cluster.conf; it grows with each change. Default: 1.'),
  services: z
    .record(
      is.serviceName,
      section({
        autostart: z.boolean({ error: 'true or false' }).default(false).describe('Start it with the cluster.'),
      }),
      {
        error: SERVICES_EXPECTED,
      },
    )
    .optional()
    .describe('cman: services for rgmanager. The document has {test: {autostart: false}}.'),
});

const storage = z
  .union(
    [
      z.literal('none'),
      z.strictObject({
        disk: is.diskName.default('shared').describe('The shared disk that holds it.'),
        directory: is.path.default('/shared').describe('Where the guests mount it.'),
      }),
    ],
    { error: 'none, or a mapping with disk and directory' },
  )
  .optional()
  .describe('The GFS2 file system that all guests mount. Default: on the disk shared, if there is one.');

const dom0Cluster = z
  .union(
    [
      z.literal('none'),
      z.strictObject({
        name: is.clusterName.optional().describe('Its name. Default: the lab’s and -dom0, if that fits.'),
        node: is.hostName.optional().describe('The dom0’s host name, as uname -n says it. Default: asked there.'),
      }),
    ],
    { error: 'none, or a mapping with name and node' },
  )
  .optional()
  .describe('cman: the dom0’s cluster of one, which fence_xvmd needs; none: fence_xvmd -LX, where it has that.');

const GUESTS = { minProperties: 1, maxProperties: 16 } as const;
const GUESTS_EXPECTED = '1 to 16 guests, such as {molly: {}, frederick: {}}';

/** As many as there are letters from xvdb to xvdz. */
const DISKS = { maxProperties: 25 } as const;
const DISKS_EXPECTED = 'up to 25 disks, such as {shared: {size: 10G}}, or {} for none';

export const labSchema = z
  .strictObject({
    name: is.clusterName.default('lolcats').describe('The cluster’s name: at most 16 of A-Z a-z 0-9 _ -.'),
    host: is.where.optional().describe('The dom0: local, sandbox, ssh://[user@]host[:port] or simulated:DIR.'),
    toolstack: oneOf('libvirt', 'xm').default('libvirt').describe('What makes guests. xm: the document’s.'),
    guests: z
      .record(is.guestName, guest, { error: GUESTS_EXPECTED })
      .refine((guests) => Object.keys(guests).length >= GUESTS.minProperties, { error: GUESTS_EXPECTED })
      .refine((guests) => Object.keys(guests).length <= GUESTS.maxProperties, { error: GUESTS_EXPECTED })
      .meta({
        description:
          'The guests. Their order decides node ids, MACs and addresses of new ones; who is on dom0 keeps its own.',
        ...GUESTS,
      }),
    image: image.prefault({}).describe('The default image, which every guest is a clone of.'),
    disks: z
      .record(is.diskName, disk, { error: DISKS_EXPECTED })
      .refine((disks) => Object.keys(disks).length <= DISKS.maxProperties, { error: DISKS_EXPECTED })
      .meta({ description: 'Disks that all guests write. {} for none.', ...DISKS })
      .prefault({ quorum: {}, shared: {} }),
    network: network.prefault({}).describe('The network of the guests.'),
    fencing: fencing.prefault({}).describe('Fencing of guests by their dom0.'),
    cluster: cluster.prefault({}).describe('The cluster of the guests.'),
    storage,
    dom0Cluster,
    annotate: z
      .boolean({ error: 'true or false' })
      .default(false)
      .describe('Keep the old lines of a domain file as comments, as the document does.'),
  })
  .describe('A virtual-machine cluster on one Xen dom0.');

/** lab.yaml with the defaults filled in; what depends on more than one value is still open (decide.ts). */
export type Spec = z.output<typeof labSchema>;

/** The JSON Schema of lab.yaml, for `lab schema` and editors. */
export function labJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(labSchema, { io: 'input' }), title: 'lab.yaml' };
}
