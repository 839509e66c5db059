import type { DomainFacts } from './domain-facts.ts';

/** Facts in words, one line each: the order of disks means nothing, that of interfaces does (eth0, eth1). */
function lines(facts: DomainFacts): ReadonlyMap<string, string> {
  const said = new Map<string, string>([
    ['name', facts.name],
    ['uuid', facts.uuid],
    ['memory', `${facts.memoryMiB} MiB`],
    ['maximal memory', `${facts.maxMemoryMiB} MiB`],
    ['vcpus', String(facts.vcpus)],
    ['bootloader', facts.bootloader || 'none'],
    ['lifecycle (poweroff, reboot, crash)', facts.lifecycle.join(', ')],
    ['lab mark', facts.mark ? `lab ${facts.mark.lab}, guest ${facts.mark.guest}` : 'none'],
  ]);
  for (const { device, path, driver, format, shareable, readonly } of facts.disks) {
    const flags = `${shareable ? ', shareable' : ''}${readonly ? ', read-only' : ''}`;
    said.set(`disk ${device}`, `${path || 'empty'}, driver ${driver || 'default'}/${format}${flags}`);
  }
  for (const [at, { mac, bridge }] of facts.interfaces.entries()) said.set(`interface ${at}`, `${mac} on ${bridge}`);
  return said;
}

/** How a domain that was found differs from the wanted one, in words; [] if it does not. */
export function sameDomain(wanted: DomainFacts, found: DomainFacts): readonly string[] {
  const want = lines(wanted);
  const have = lines(found);
  return [...new Set([...want.keys(), ...have.keys()])]
    .filter((key) => want.get(key) !== have.get(key))
    .map((key) => `${key}: ${have.get(key) ?? 'none'} found, ${want.get(key) ?? 'none'} wanted`);
}
