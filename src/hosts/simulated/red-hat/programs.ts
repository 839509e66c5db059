import { BadUsage, type Handler } from '../call.ts';
import { fenceXvm } from '../fence-xvm.ts';
import type { Tree } from '../tree.ts';
import { chkconfig } from './chkconfig.ts';
import { chroot } from './chroot.ts';
import { clustat } from './clustat.ts';
import { ccsConfigValidate, cmanTool, fenceNodeTool } from './cman-tools.ts';
import { oldMkfsGfs2 } from './gfs2-mkfs.ts';
import { sfdisk } from './image-looks.ts';
import { mkqdisk, oldBlkid } from './quorum-disk.ts';
import { processes } from './processes.ts';
import { majorOf } from './release.ts';
import { hasRpm, rpm, rpmOf, rpmOf6 } from './rpms.ts';
import { service } from './service.ts';
import { sh } from './sh.ts';
import { virtInstall } from './virt-install.ts';
import { fenceXvmd } from './xvmd.ts';
import { oldFenceXvm } from './xvm.ts';
import { xm } from './xm.ts';

/** Programs of the document's day, which no Debian here has. */
const own: Readonly<Record<string, Handler>> = {
  ...processes,
  blkid: oldBlkid,
  chkconfig,
  chroot,
  clustat,
  cman_tool: cmanTool,
  fence_node: fenceNodeTool,
  fence_xvm: oldFenceXvm,
  fence_xvmd: fenceXvmd,
  'mkfs.gfs2': oldMkfsGfs2,
  mkqdisk,
  rpm,
  service,
  sfdisk,
  sh,
  'virt-install': virtInstall,
  xm,
};

/** With cman 3.x (RHEL 6) a validator comes, and the client of fence-virt. */
const own6: Readonly<Record<string, Handler>> = { ...own, ccs_config_validate: ccsConfigValidate, fence_xvm: fenceXvm };

/** Programs of today, or of Debian only. */
const younger = new Set([
  ...['apt-get', 'dpkg-query', 'systemctl', 'journalctl', 'virsh', 'xl', 'mmdebstrap', 'fence_virtd', 'findmnt'],
  ...['truncate', 'timeout', 'stdbuf', 'cibadmin', 'crm_mon', 'corosync-quorumtool', 'stonith_admin', 'sbd'],
  ...['corosync-cfgtool', 'corosync-cmapctl', 'crm_node', 'crm_resource', 'gfs2_edit'],
]);

/** Options that came after coreutils 5.97, util-linux 2.13 and e2fsprogs 1.39 (blkid); RHEL 6 has most of them, which nobody needs here. */
const youngerOptions: Readonly<Record<string, RegExp>> = {
  blkid: /^-p$/,
  cp: /^--reflink(=|$)/,
  losetup: /^(-j|-P|--show)$/,
  mke2fs: /^-d$/,
  mv: /^-n$/,
};

/** The handler of a program on a Red Hat machine, given those that any machine has. */
export function redHatHandler(
  tree: Tree,
  name: string,
  common: Readonly<Record<string, Handler>>,
): Handler | undefined {
  const six = majorOf(tree) === 6;
  const owner = (six ? rpmOf6 : rpmOf)[name];
  if (younger.has(name) || (owner !== undefined && !hasRpm(tree, owner))) return undefined;
  const table = six ? own6 : own;
  const handler = Object.hasOwn(table, name) ? table[name] : Object.hasOwn(common, name) ? common[name] : undefined;
  const unknown = youngerOptions[name];
  if (!handler || !unknown) return handler;
  return (call) => {
    const bad = call.args.find((arg) => unknown.test(arg));
    if (bad === undefined) return handler(call);
    throw new BadUsage(bad.startsWith('--') ? `unrecognized option \`${bad}'` : `invalid option -- ${bad.slice(1)}`);
  };
}

/** An init script that is called by its path. */
export function initScript(program: string): Handler | undefined {
  return /^\/etc\/(rc\.d\/)?init\.d\//.test(program) ? service : undefined;
}
