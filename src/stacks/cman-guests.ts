import { command } from '../model/change.ts';
import type { Node, Step } from '../model/step.ts';
import type { Guest } from '../spec/lab.ts';
import { requirement } from '../steps/requirement.ts';

const section = 'Setting up the cluster 1';

/** "Install the cluster packages on the Xen domains if this has not already been done": the installer's business, seen here. */
export function packagesThere(guest: Guest, names: readonly string[], after: readonly Node[]): Step {
  return requirement(
    {
      id: `9.packages-${guest.name}`,
      title: `See the cluster packages on ${guest.name}`,
      section,
      on: guest.name,
      after,
    },
    async ({ host }) => {
      const { stdout } = await host.read(['rpm', '-q', ...names]);
      const missing = [...stdout.matchAll(/^package (\S+) is not installed$/gm)].map((match) => match[1]);
      if (missing.length === 0) return undefined;
      return {
        says: `missing on ${guest.name}: ${missing.join(' ')}`,
        hint: `install them (lab ssh ${guest.name} -- yum install ${missing.join(' ')}), or in the default image, with the installer's %packages`,
      };
    },
  );
}

/**
 * "make sure they are turned off at boot": in any runlevel. A node that was fenced has to stay out until it is looked at.
 * chkconfig(8) --list: `cman  0:off 1:off 2:on …`; a service that is not there has no line.
 */
export function quietAtBoot(guest: Guest, services: readonly string[], after: readonly Node[]): Step {
  return {
    kind: 'step',
    id: `9.off-at-boot-${guest.name}`,
    title: `Keep the cluster software off at boot on ${guest.name}`,
    section,
    on: guest.name,
    after,
    async check({ host }) {
      const listed = await Promise.all(services.map((name) => host.read(['chkconfig', '--list', name])));
      return services.flatMap((name, n) =>
        /\d:on\b/.test(listed[n]?.stdout ?? '') ? [command(['chkconfig', name, 'off'])] : [],
      );
    },
  };
}

/** "Checking Network Manager" is a stage of cman 3 that fails if it runs or is enabled; so does nothing that lab could wait for. */
export function withoutNetworkManager(guest: Guest, after: readonly Node[]): Step {
  return requirement(
    {
      id: `9.network-manager-${guest.name}`,
      title: `See that NetworkManager leaves ${guest.name} alone`,
      section,
      on: guest.name,
      after,
    },
    async ({ host }) => {
      const [listed, status] = await Promise.all([
        host.read(['chkconfig', '--list', 'NetworkManager']),
        host.read(['service', 'NetworkManager', 'status']),
      ]);
      const enabled = /\d:on\b/.test(listed.stdout);
      if (!enabled && status.code !== 0) return undefined;
      return {
        says: `NetworkManager ${status.code === 0 ? 'runs' : 'is on at boot'} on ${guest.name}, and cman will not start beside it`,
        hint: `lab ssh ${guest.name} -- 'chkconfig NetworkManager off; service NetworkManager stop; service network restart'`,
      };
    },
  );
}
