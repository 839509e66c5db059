import type { Service } from '../state.ts';
import type { World } from '../world.ts';
import { domainsOf } from './domains.ts';
import { fenceDomain } from './xm-start.ts';
import { tell } from './xvmd.ts';

/**
 * What fence_xvmd does with a request that is signed with its key, in the document's words. Of a domain that does not run here it
 * says nothing to the caller: another host may have it. @returns how the client ends; undefined where no answer comes
 */
export function answerXvmd(
  world: World,
  service: Service,
  { operation, domain, at }: { operation: string; domain: string; at?: number | undefined },
): { readonly lines: readonly string[]; readonly code: number } | undefined {
  const say = (text: string) => {
    if (world.changing) tell(world.dom0, service, `${text}\n`);
  };
  const failed = { lines: ['Operation failed'], code: 1 };
  say(`Request to fence: ${domain}`);
  const found = domainsOf(world).find(({ name, uuid }) => name === domain || uuid === domain);
  if (!found || world.dom0.state.services.xend === undefined) {
    say(`Evaluating Domain: ${domain}   Last Owner: 0   State 0`);
    return undefined;
  }
  say(`${domain} is running locally`);
  say('Plain TCP request');
  let done = false;
  if (operation === 'null') say('NULL operation: returning failure');
  else if (operation === 'off' || operation === 'reboot') {
    say(`${operation === 'off' ? 'Destroying' : 'Rebooting'} domain ${domain}...`);
    done = fenceDomain(world, found.name, operation, at);
    say(done ? '[done]' : 'Failed to create domain: (re)start failed');
  } else say('Unknown operation: returning failure');
  say('Sending response to caller...');
  return done ? { lines: [], code: 0 } : failed;
}
