import { NotYet } from '../model/errors.ts';
import type { HostName, Hosts } from '../model/host.ts';
import { once } from '../model/once.ts';
import type { Before, Node, Step, Verdict } from '../model/step.ts';
import type { Journal } from './journal.ts';
import { lookFor, notYet, type Overlay, providersOf, type Viewpoint } from './look.ts';

/** A verdict, or why there is none. */
export type Judged = Verdict | { readonly is: 'failed'; readonly error: unknown };

export type Plan = ReadonlyMap<Node, Judged>;

/** What a plan has looked at: once is enough. */
type Seen = Map<string, Promise<unknown>>;

/** Where the evidence of earlier trials is found. */
export type Proofs = Pick<Journal, 'evidence'>;

/** Stands for a host that is not there, as it will be when the recipe has just made it; undefined if that is not known. */
export type Foresight = (host: HostName) => Pick<Hosts, 'host'> | undefined;

interface PlanOptions {
  readonly hosts: Pick<Hosts, 'host'>;
  /** What trials proved before. */
  readonly proofs: Proofs;
  readonly foresee?: Foresight;
}

/**
 * Looks at the world for every node. All nodes look at once, so that their reads travel together: a plan in which all is
 * met costs a round trip or two per host. Only where something is missing, what comes after it is judged again, in order,
 * with the files that the earlier steps will write in place.
 * @param nodes in an order in which each comes after those it names
 */
export async function plan(nodes: readonly Node[], options: PlanOptions): Promise<Plan> {
  const seen: Seen = new Map();
  const first = await lookAtOnce(nodes, options, seen);
  if ([...first.values()].every(({ is }) => is === 'met')) return first;
  return lookInOrder(nodes, first, options, seen);
}

async function lookAtOnce(nodes: readonly Node[], { hosts, proofs }: PlanOptions, seen: Seen): Promise<Plan> {
  const providers = providersOf(nodes);
  const judging = new Map<Node, Promise<Judged>>();
  const reached = new Map([...providers].map(([host]) => [host, latch()]));
  // One promise for all who look at a host: one for each look would be a good part of what a plan of many guests remembers.
  const isThere = once(async (provider: Step<unknown>) => {
    const met = judging.get(provider)?.then(({ is }) => is === 'met');
    return Promise.race([reached.get(provider.provides ?? '')?.isOpen, met]);
  });
  const viewpoint: Viewpoint = {
    hosts,
    seen,
    async gate(host, asker) {
      const provider = providers.get(host);
      // Who makes the host be there looks into it once it is: all others look along with it, in one round trip.
      if (provider === asker) return reached.get(host)?.open();
      if (!provider) return;
      if (!judging.has(provider) || !(await isThere(provider))) notYet(provider);
    },
  };
  for (const node of nodes) judging.set(node, judge(node, viewpoint, proofs));
  const verdicts = await Promise.all(judging.values());
  return new Map(nodes.map((node, n) => [node, verdicts[n] as Judged]));
}

/** Something to wait for, that another does. */
function latch(): { readonly isOpen: Promise<true>; open(): void } {
  let open = () => {};
  const isOpen = new Promise<true>((resolve) => {
    open = () => resolve(true);
  });
  return { isOpen, open };
}

async function lookInOrder(
  nodes: readonly Node[],
  first: Plan,
  { hosts, proofs, foresee }: PlanOptions,
  seen: Seen,
): Promise<Plan> {
  const providers = providersOf(nodes);
  const plan = new Map<Node, Judged>();
  const overlay: Overlay = new Map();
  const missing = (host: HostName, asker: Node) => {
    const provider = providers.get(host);
    if (!provider || provider === asker) return undefined;
    // What comes before the provider looks at the host as it was found.
    return (plan.get(provider) ?? first.get(provider))?.is === 'met' ? undefined : provider;
  };
  const here: Viewpoint = {
    hosts,
    overlay,
    seen,
    async gate(host, asker) {
      const provider = missing(host, asker);
      if (provider) notYet(provider);
    },
  };
  // All of them are judged when one that comes after them asks: a list that many share is gone through once.
  const allMet: (before: Before) => boolean = once((before) =>
    before.every((node) => ('id' in node ? plan.get(node)?.is === 'met' : allMet(node))),
  );
  for (const node of nodes) {
    const settled = allMet(node.after);
    const before = first.get(node);
    const known = settled && before && before.is !== 'later' && before.is !== 'failed';
    let judged = known ? before : await judge(node, here, proofs);
    if (judged.is === 'later') {
      const better = await foreseen(node, overlay, foresee, missing, proofs);
      if (better.length > 0) judged = { ...judged, changes: better };
    }
    plan.set(node, judged);
    if (judged.is === 'change' || judged.is === 'later') {
      for (const change of judged.changes) if (change.is === 'file') overlay.set(`${node.on}:${change.path}`, change);
    }
  }
  return plan;
}

/** What a node that has to wait would change on a host as the recipe will have made it. */
async function foreseen(
  node: Node,
  overlay: Overlay,
  foresee: Foresight | undefined,
  missing: (host: HostName, asker: Node) => Step<unknown> | undefined,
  proofs: Proofs,
) {
  const hosts = foresee?.(node.on);
  if (!hosts) return [];
  const judged = await judge(
    node,
    {
      hosts,
      overlay,
      async gate(host, asker) {
        const provider = missing(host, asker);
        if (provider && !foresee?.(host)) notYet(provider);
      },
    },
    proofs,
  );
  return judged.is === 'change' ? judged.changes : [];
}

/** One node, from one viewpoint. Never throws: a failure is a value. */
export async function judge(node: Node, viewpoint: Viewpoint, proofs: Proofs): Promise<Judged> {
  try {
    const look = lookFor(node, viewpoint);
    if (node.kind === 'trial') {
      const evidence = await proofs.evidence(node.id, await node.basis(look));
      return evidence?.passed ? { is: 'met' } : { is: 'change', changes: node.changes };
    }
    const changes = await node.check(look);
    return changes.length === 0 ? { is: 'met' } : { is: 'change', changes };
  } catch (error) {
    const known = node.kind === 'trial' ? node.changes : (node.foreseen ?? []);
    if (error instanceof NotYet) return { is: 'later', waitsFor: error.waitsFor, says: error.message, changes: known };
    return { is: 'failed', error };
  }
}
